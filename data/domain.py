"""A processed domain folder: its catalogue, titles, features and histories."""

from functools import cached_property
from pathlib import Path

from data.build_store import open_store
from data.errors import bad
from data.features.load import Modality, load_features
from data.features.table import FeatureTable
from data.ids import read_item_keys
from data.item_text import read_item_text
from data.raw.jsonl import read_jsonl
from data.store import SequenceStore


class Domain:
    """One shop, or several merged, as ``prepare.py`` or the published data lay it out.

    Args:
        path: the processed folder.

    Raises:
        ValueError: there is no such folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise bad(
                self.path,
                "there is no such domain folder",
                "Prepare it (python prepare.py domain --help), or put the published processed files there: "
                "item2id.jsonl, user2id.jsonl, train_seq.jsonl, eval_seq.jsonl, test_seq.jsonl, "
                "text_feat.pth, image_feat.pth",
            )

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @cached_property
    def items(self) -> list[str]:
        """Raw item ids; position i-1 holds item id i."""
        return read_item_keys(self.path)

    def titles(self) -> list[str]:
        """Titles in id order, from ``item.jsonl`` or the first part of ``item_text.jsonl``; empty where unknown.

        Raises:
            ValueError: a row of ``item_text.jsonl`` is not ``[item, text]``. Of a published ``item.jsonl``, which
                has no one form, rows without an item and a title count as unknown.
        """
        titles = dict.fromkeys(self.items, "")
        ours, texts = self.path / "item.jsonl", self.path / "item_text.jsonl"
        if ours.is_file():
            rows = (row for _, row in read_jsonl(ours) if isinstance(row, dict))
            titles |= {row["item"]: row["title"] for row in rows if isinstance(row.get("title"), str) and "item" in row}
        elif texts.is_file():
            titles |= {item: text[:80] for item, text in read_item_text(texts)}
        return [titles[item] for item in self.items]

    def features(self, modality: Modality) -> FeatureTable:
        """The modality's features, aligned with the catalogue.

        Raises:
            ValueError: there are none, or they belong to other items.
        """
        table = load_features(self.path, modality, self.items)
        if table is None:
            what = f"has neither features/{modality}.safetensors nor {modality}_feat.pth"
            remedy = (
                f"Extract them (python prepare.py features --domains '[{self.path}]'), "
                f"or leave {modality} out of data.modalities and the model's modalities"
            )
            raise bad(self.path, what, remedy)
        return table

    def store(self, folder: Path | None = None) -> SequenceStore:
        """The histories, built on first use in ``folder`` (see ``open_store``)."""
        return open_store(self.path, len(self.items), folder)
