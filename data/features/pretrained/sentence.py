"""How a sentence encoder makes one vector of its tokens' vectors, as its folder says.

Layout: ``modules.json`` and the folders that it names, as sentence-transformers writes them (Reimers & Gurevych,
EMNLP 2019). A model without it: the mean over its tokens, at length 1.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson

from data.errors import bad
from data.features.pretrained.texts import TextRules

if TYPE_CHECKING:
    from torch import Tensor

REMEDY = "Give a model that pools by the mean or the first token, as all-MiniLM-L6-v2 or bge do"


@dataclass(frozen=True)
class Pooling:
    """Vectors (B, T, dim) of tokens to one (B, dim)."""

    kind: Literal["mean", "cls"] = "mean"
    unit: bool = True
    """At length 1."""

    def __call__(self, tokens_BTD: "Tensor", mask_BT: "Tensor") -> "Tensor":
        """Padding is left out; float32 whatever the tokens are."""
        from torch.nn.functional import normalize

        weights_BT1 = mask_BT[..., None].float()
        if self.kind == "mean":
            rows = (tokens_BTD.float() * weights_BT1).sum(1) / weights_BT1.sum(1).clamp(min=1)
        else:
            rows = tokens_BTD[:, 0].float()
        return normalize(rows, dim=-1) if self.unit else rows


def read_pooling(folder: Path) -> Pooling:
    """The pooling that a model's folder asks for.

    Raises:
        ValueError: it asks for something else than mean or first token, or for further layers.
    """
    if not (folder / "modules.json").is_file():
        return Pooling()
    modules = [(entry["type"].rpartition(".")[2], entry["path"]) for entry in _json(folder / "modules.json", [])]
    kinds = [kind for kind, _ in modules]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise bad(folder / "modules.json", f"it wants {', '.join(kinds)}", REMEDY)
    path = folder / modules[1][1] / "config.json"
    told = _json(path, {})
    modes = [name.removeprefix("pooling_mode_") for name, on in told.items() if name.startswith("pooling_mode_") and on]
    modes = modes or [str(told.get("pooling_mode"))]
    kind = {"mean_tokens": "mean", "mean": "mean", "cls_token": "cls", "cls": "cls"}.get(modes[0])
    if len(modes) > 1 or kind is None or told.get("include_prompt") is False:
        raise bad(path, f"it pools by {' and '.join(modes)}", REMEDY)
    return Pooling("mean" if kind == "mean" else "cls", "Normalize" in kinds)


def text_rules(folder: Path, positions: int) -> TextRules:
    """The limit, case and prefix that a model's folder asks for; ``positions`` is the most that it can take."""
    told = _json(folder / "sentence_bert_config.json", {})
    prompts = _json(folder / "config_sentence_transformers.json", {})
    name = prompts.get("default_prompt_name")
    prefix = prompts.get("prompts", {}).get(name, "") if name else ""
    limit = min(positions, told.get("max_seq_length") or positions)
    return TextRules(limit, lower=bool(told.get("do_lower_case")), prefix=prefix)


def _json(path: Path, default: Any) -> Any:
    """The file's value, ``default`` where there is none."""
    if not path.is_file():
        return default
    try:
        return orjson.loads(path.read_bytes())
    except ValueError as error:
        raise bad(path, f"malformed ({error})", "Download the model again") from None
