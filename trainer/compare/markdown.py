"""The tables of a comparison, as Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

from tabulate import tabulate

_ACCURACY = {
    "test/hit@10": "Hit@10 as published",
    "test/ndcg@10": "NDCG@10 as published",
    "test_removed/hit@10": "Hit@10 history removed",
    "test_removed/ndcg@10": "NDCG@10 history removed",
}
_LEVEL = 0.05


def markdown(result: Mapping[str, Any]) -> str:
    """Tables by domain, then what was chosen and the command of every run."""
    parts = [_head(result)]
    for name, domain in result["domains"].items():
        parts += _domain(name, domain, result["settings"])
    parts += ["## Commands", *_commands(result)]
    return "\n\n".join(parts) + "\n"


def accuracy_table(domain: Mapping[str, Any], reference: str, style: str = "pipe") -> str:
    """A row a model: means ± 95 % intervals over seeds, NDCG@10 less the reference's, effort."""
    rows = [[name, *_accuracy(name, model, reference)] for name, model in domain["models"].items()]
    heads = ["model", *_ACCURACY.values(), f"NDCG@10 less {reference}'s, as published", "history removed",
             "best val", "best epochs", "training s", "parameters"]  # fmt: skip
    return tabulate(rows, heads, tablefmt=style, disable_numparse=True)


def _head(result: Mapping[str, Any]) -> str:
    settings, machine = result["settings"], result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    where = machine.get("gpu") or f"{machine['cpu']}, {machine['cores']} cores"
    return (
        f"# Comparison\n\n"
        f"- Command: `{result['command']}`\n- Date: {result['date']}\n- Machine: {where}; "
        f"{result['threads']} threads a run, {settings['jobs']} at a time\n- Versions: {versions}\n"
        f"- Protocol: leave-one-out, the whole catalogue ranked, ties at half; at most {settings['max_epochs']} "
        f"epochs, stopped after {settings['patience']} without a better "
        f"{settings['monitor']}, which also chose the epoch and "
        f"the best of {settings['trials']} trials; seeds {', '.join(map(str, settings['seeds']))}\n"
        f"- ±: 95 % t interval over seeds. Differences: NDCG@10 a user, mean over seeds, 95 % interval of "
        f"{settings['resamples']} paired bootstrap resamples of users; p after Holm over all; "
        f"* where p < {_LEVEL}"
    )


def _domain(name: str, domain: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    finished = {model: row for model, row in domain["models"].items() if row["error"] is None}
    yield (
        f"## {name}\n\n{domain['users']:,} users, {domain['items']:,} items, {domain['interactions']:,} interactions, "
        f"{domain['repeat_rate']:.1%} repeats (`{domain['folder']}`)."
    )
    if domain["options"]:
        yield f"Here {', '.join(f'{option} = {value}' for option, value in domain['options'].items())}."
    if absent := [model for model in settings["models"] if model not in domain["models"]]:
        yield f"Not asked here: {', '.join(absent)}."
    if settings["reference"] not in finished:
        yield f"No differences: the reference, {settings['reference']}, has no result here."
    yield accuracy_table(domain, settings["reference"])
    for model, row in domain["models"].items():
        if row["error"] is not None:
            yield f"**{model} failed**: {row['error']}"
    if not finished:
        return
    yield "What is recommended with the history removed (`trainer/slices` has the formulas):"
    yield _lists(finished)
    yield "NDCG@10 with the history removed, by events before the target and by users of the target in training:"
    yield _slices(finished)


def _accuracy(name: str, model: Mapping[str, Any], reference: str) -> list[str]:
    if model["error"] is not None:
        return ["failed", *[""] * 9]
    differences = [_difference(model.get("against_reference", {}).get(stage)) for stage in ("test", "test_removed")]
    return [
        *(_spread(model["metrics"][metric], ".4f") for metric in _ACCURACY),
        *(["reference", "reference"] if name == reference else differences),
        _spread(model["best_val"], ".4f"),
        ", ".join(str(epoch or 0) for epoch in model["best_epochs"]),
        f"{model['seconds']['mean']:.1f}",
        f"{model['parameters']:,}",
    ]


def _spread(value: Mapping[str, Any], style: str) -> str:
    if value["mean"] is None:
        return ""
    half = "" if value["half"] is None else f" ± {value['half']:{style}}"
    return f"{value['mean']:{style}}{half}"


def _difference(test: Mapping[str, float] | None) -> str:
    if test is None:
        return ""
    star = "*" if test["p_corrected"] < _LEVEL else ""
    return f"{test['mean']:+.4f} [{test['low']:+.4f}, {test['high']:+.4f}] p {test['p_corrected']:.3g}{star}"


def _lists(models: Mapping[str, Any]) -> str:
    rows = [[name, *map(_number, model["lists"]["test_removed"].values())] for name, model in models.items()]
    heads = ["model", *next(iter(models.values()))["lists"]["test_removed"]]
    return tabulate(rows, heads, tablefmt="pipe", disable_numparse=True)


def _slices(models: Mapping[str, Any]) -> str:
    first = next(iter(models.values()))
    kept = [(key, at) for key in ("history_length", "popularity") for at, row in enumerate(first[key]) if row["users"]]
    titles = {"history_length": "events", "popularity": "target's users"}
    heads = [f"{titles[key]} {first[key][at]['slice']} (n = {first[key][at]['users']:.0f})" for key, at in kept]
    rows = [
        [name, *(_number(model[key][at]["test_removed/ndcg@10"]) for key, at in kept)] for name, model in models.items()
    ]
    return tabulate(rows, ["model", *heads], tablefmt="pipe", disable_numparse=True)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _commands(result: Mapping[str, Any]) -> Iterator[str]:
    for name, backbone in result["backbones"].items():
        if backbone["error"] is None:
            facts = f"on {backbone['domain']}, best epoch {backbone['epochs_to_best']}, {backbone['seconds']:.1f} s"
            yield f"Backbone {name}, {facts}\n\n```bash\n{backbone['command']}\n```"
    for name, domain in result["domains"].items():
        for model, row in domain["models"].items():
            if row["error"] is not None:
                continue
            chosen = ", ".join(f"{option} = {value}" for option, value in row["options"].items())
            told = f": best of {len(row['trials'])} trials: {chosen}" if chosen else ""
            lines = "\n".join(run["command"] for run in row["runs"])
            yield f"{model} on {name}{told}\n\n```bash\n{lines}\n```"
