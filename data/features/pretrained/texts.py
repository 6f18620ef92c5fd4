"""Texts to token ids, cut at the model's limit, and how many were cut."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TextRules:
    """What a model wants of its texts.

    Args:
        limit: of tokens, special ones too; the tokenizer's own if that is less.
        full: pad to the limit (SigLIP was trained so, without a mask); else to the longest of a batch, masked.
        lower: lower case first.
        prefix: put before each text.
    """

    limit: int
    full: bool = False
    lower: bool = False
    prefix: str = ""


class Texts:
    """Tokenises batches; it can go to another process.

    Args:
        folder: of the model.
        rules: what it wants.
    """

    def __init__(self, folder: Path, rules: TextRules) -> None:
        from transformers import AutoTokenizer

        self._rules = rules
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        self.limit = min(rules.limit, self._tokenizer.model_max_length)

    @property
    def options(self) -> dict[str, Any]:
        """What identifies the preprocessing."""
        rules = self._rules
        return {"max_tokens": self.limit, "full": rules.full, "lower": rules.lower, "prefix": rules.prefix}

    def __call__(self, texts: list[str]) -> tuple[dict[str, "Tensor"], int]:
        """Inputs (B, T) of the model, and how many texts were cut.

        Args:
            texts: at least one.
        """
        wanted = [self._rules.prefix + (text.lower() if self._rules.lower else text) for text in texts]
        inputs = self._tokenizer(
            wanted,
            truncation=True,
            max_length=self.limit,
            padding="max_length" if self._rules.full else "longest",
            return_attention_mask=True,
            return_tensors="pt",
            verbose=False,
        )
        full_B = inputs["attention_mask"].sum(1) == self.limit
        names = ("input_ids",) if self._rules.full else ("input_ids", "attention_mask")
        return {name: inputs[name] for name in names}, self._cut([wanted[row] for row in full_B.nonzero()])

    def _cut(self, full: list[str]) -> int:
        """How many of the texts that reach the limit go beyond it: these alone are tokenised again."""
        tokens = self._tokenizer(full, verbose=False)["input_ids"] if full else []
        return sum(len(ids) > self.limit for ids in tokens)
