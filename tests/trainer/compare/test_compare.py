"""Comparisons from beginning to end, over a stand-in for main.py; the README's test runs the real one."""

import fcntl
import json
import multiprocessing
import os
import re
import signal
import time
from pathlib import Path

import pytest

from compare import end_when_told
from tests.trainer.compare.settings import DROPOUT, FACTS, RATE, small_comparison
from trainer.cli import CONFIGS
from trainer.compare import Settings, compare
from trainer.compare.settings import DomainSettings, ModelSettings


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "stub.log"
    path.touch()
    monkeypatch.setenv("STUB_LOG", str(path))
    return path


def notes(log: Path, what: str) -> list[str]:
    return [line.split()[1] for line in log.read_text().splitlines() if line.startswith(what)]


def table(out: Path) -> str:
    """Without when and how it was called."""
    return re.sub(r"- (Date|Command): .*", "", (out / "result.md").read_text())


def test_a_comparison_leaves_all_that_is_promised(tmp_path: Path, log: Path) -> None:
    settings = small_comparison(tmp_path)
    assert compare(settings, **FACTS)
    result = json.loads((settings.out / "result.json").read_bytes())
    models = result["domains"]["tiny"]["models"]
    tuned, plain = models["tuned"], models["plain"]
    assert [trial["number"] for trial in tuned["trials"]] == [0, 1, 2]
    assert tuned["trials"][0]["options"] == {RATE: 0.001, DROPOUT: 0.2}, "the config as it stands comes first"
    best = max(tuned["trials"], key=lambda trial: trial["value"])
    assert tuned["options"] == best["options"]
    assert [Path(run["folder"]).name for run in tuned["runs"]] == [f"trial-{best['number']:03d}", "seed-6"]
    assert [Path(run["folder"]).name for run in plain["runs"]] == ["seed-5", "seed-6"]
    ndcg = tuned["metrics"]["test/ndcg@10"]
    assert ndcg["mean"] == pytest.approx(sum(ndcg["seeds"]) / 2) and len(ndcg["seeds"]) == 2 and ndcg["half"] > 0
    difference = tuned["against_reference"]["test"]
    assert difference["mean"] == pytest.approx(ndcg["mean"] - plain["metrics"]["test/ndcg@10"]["mean"])
    assert difference["low"] <= difference["mean"] <= difference["high"]
    assert difference["p"] <= difference["p_corrected"] <= 1 and "against_reference" not in plain
    text = (settings.out / "result.md").read_text()
    assert all(run["command"] in text for row in (tuned, plain) for run in row["runs"])
    assert all(f"--seed_everything={seed} --run_dir=" in text for seed in (5, 6)) and "a processor" in text
    assert list((settings.out / "tensorboard/tiny/tuned").glob("events.out.tfevents.*"))


def test_a_second_time_nothing_runs_and_the_bytes_are_the_same(tmp_path: Path, log: Path) -> None:
    settings = small_comparison(tmp_path)
    compare(settings, **FACTS)
    ran, first = log.read_text(), table(settings.out)
    picture = (settings.out / "result.svg").read_bytes()
    compare(settings, **FACTS)
    assert log.read_text() == ran and table(settings.out) == first
    assert (settings.out / "result.svg").read_bytes() == picture


def test_killed_and_given_again_it_is_the_uninterrupted_one(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_SECONDS", "0.5")
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    settings = small_comparison(tmp_path, out=Path("out"), jobs=2)
    monkeypatch.chdir(tmp_path / "parts")
    process = multiprocessing.get_context("fork").Process(target=compare, args=(settings,), kwargs=FACTS)
    process.start()
    deadline = time.monotonic() + 120
    while len(notes(log, "end")) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.join()
    finished = notes(log, "end")
    assert finished and len(finished) < 5 and not (tmp_path / "parts/out/result.md").exists()
    compare(settings, **FACTS)
    ends = notes(log, "end")
    assert len(ends) == len(set(ends)) == 6, "no run was finished twice, one in progress at the kill included"
    assert len(notes(log, "start")) == 6

    monkeypatch.chdir(tmp_path / "whole")
    compare(settings, **FACTS)
    assert len(notes(log, "end")) == 12
    assert table(tmp_path / "whole/out") == table(tmp_path / "parts/out")


def _told_to_end(settings: Settings) -> None:
    end_when_told()
    compare(settings, **FACTS)


def test_told_to_end_it_ends_its_runs_too(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUB_SECONDS", "300")
    process = multiprocessing.get_context("fork").Process(target=_told_to_end, args=(small_comparison(tmp_path),))
    process.start()
    deadline = time.monotonic() + 120
    while not notes(log, "start") and time.monotonic() < deadline:
        time.sleep(0.02)
    process.terminate()
    process.join(120)
    assert process.exitcode == 128 + signal.SIGTERM
    run = Path(notes(log, "start")[0])
    with run.with_name(f".{run.name}.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # which the run held, were it still there


def _killed_in_the_journal(settings: Settings) -> None:
    os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)  # Optuna's, while it holds the lock of a study
    compare(settings, **FACTS)


def test_a_kill_inside_the_journal_of_trials_holds_up_nobody(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings, context = small_comparison(tmp_path, out=Path("out")), multiprocessing.get_context("fork")
    exits = []
    for target, more in ((_killed_in_the_journal, {}), (compare, FACTS)):
        process = context.Process(target=target, args=(settings,), kwargs=more)
        process.start()
        process.join(60)
        process.kill()
        exits.append(process.exitcode)
    assert exits == [-signal.SIGKILL, 0]
    assert (tmp_path / "out/result.md").is_file()


def test_the_jobs_do_not_decide_the_result(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = []
    for jobs in (1, 3):
        folder = tmp_path / f"jobs{jobs}"
        folder.mkdir()
        monkeypatch.chdir(folder)
        compare(small_comparison(tmp_path, out=Path("out"), jobs=jobs), **FACTS)
        tables.append(table(folder / "out").replace(f"{jobs} at a time", ""))
    assert tables[0] == tables[1]


@pytest.mark.parametrize(("given", "threads"), [(None, 2), ("3", 3)], ids=["cores shared", "as given"])
def test_runs_have_the_threads_that_are_given_to_all(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, threads: int
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    if given:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    plain = {"plain": ModelSettings([CONFIGS / "finetune/sample.yaml"])}
    settings = small_comparison(tmp_path, models=plain, seeds=[5], threads=None, jobs=2)
    compare(settings, scripts=FACTS["scripts"], versions={}, machine=FACTS["machine"] | {"cores": 4})
    assert json.loads((settings.out / "result.json").read_bytes())["threads"] == threads
    assert f"OMP_NUM_THREADS={threads} " in (settings.out / "result.md").read_text()


def test_one_that_fails_is_told_and_the_others_go_on(tmp_path: Path, log: Path) -> None:
    settings = with_option(small_comparison(tmp_path, trials=0), "plain", "broken")
    assert not compare_unchecked(settings)
    result = json.loads((settings.out / "result.json").read_bytes())["domains"]["tiny"]["models"]
    assert "exit code 2: the optimizer stumbled" in result["plain"]["error"]
    assert result["tuned"]["error"] is None and "against_reference" not in result["tuned"]
    text = (settings.out / "result.md").read_text()
    assert "**plain failed**: seed 5: exit code 2: the optimizer stumbled" in text and "| failed" in text
    compare_unchecked(settings)
    assert len(notes(log, "start")) == 6, "what failed is tried again, what finished is not"


def test_trials_that_fail_are_spent_and_killed_ones_are_not(tmp_path: Path, log: Path) -> None:
    broken = with_option(small_comparison(tmp_path), "tuned", "broken")
    assert not compare_unchecked(broken) and not compare_unchecked(broken)
    assert len([run for run in notes(log, "start") if "/tuned/" in run]) == 3
    assert "none of 3 trials" in (broken.out / "result.md").read_text()
    killed = with_option(small_comparison(tmp_path, out=tmp_path / "killed"), "tuned", "killed")
    assert not compare_unchecked(killed) and not compare_unchecked(killed)
    started = [Path(run).name for run in notes(log, "start") if "/killed/tiny/tuned/" in run]
    assert started == ["trial-000", "trial-000"], "its trial stays open"
    assert "killed by signal 9" in (killed.out / "result.md").read_text()


def test_another_comparison_does_not_take_its_runs(tmp_path: Path, log: Path) -> None:
    compare(small_comparison(tmp_path, trials=0), **FACTS)
    ran = log.read_text()
    with pytest.raises(ValueError, match="of other arguments than the comparison says now"):
        compare(small_comparison(tmp_path, trials=0, max_epochs=7), **FACTS)
    assert log.read_text() == ran
    assert compare(small_comparison(tmp_path, trials=0, seeds=[5, 6, 7]), **FACTS)
    assert len(notes(log, "end")) == 6, "more seeds add to those that are there"


# main.py's parser does not know the stand-in's switches; they go past it


def with_option(settings: Settings, model: str, switch: str) -> Settings:
    own = settings.models[model]
    changed = ModelSettings(own.configs, {**own.options, switch: True}, own.search)
    return Settings(**(vars(settings) | {"models": {**settings.models, model: changed}}))


def compare_unchecked(settings: Settings) -> bool:
    import trainer.compare.entries as entries

    parse = entries.parse
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            entries,
            "parse",
            lambda place, words: parse(place, [w for w in words if w not in ("--broken=true", "--killed=true")]),
        )
        return compare(settings, **FACTS)


def test_domain_options_hold_where_they_are_known(tmp_path: Path, log: Path) -> None:
    shop = small_comparison(tmp_path).domains["tiny"].folder
    domain = DomainSettings(shop, {"data.window": 7}, {"model.system.init_args.oscillations": 0})
    window = ModelSettings([CONFIGS / "finetune/sample_published.yaml"], {RATE: 0.001})
    models = {**small_comparison(tmp_path).models, "window": window}
    compare(small_comparison(tmp_path, trials=0, domains={"tiny": domain}, models=models), **FACTS)
    told = {name: (tmp_path / f"out/tiny/{name}/entry.json").read_text() for name in models}
    assert all("--data.window=7" in text for text in told.values())
    assert "oscillations=0" in told["plain"] and "oscillations" not in told["window"]
