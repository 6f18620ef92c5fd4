"""ContentKNN: the contract, and cosines worked by hand."""

from typing import Any

import pytest
import torch

from model import ContentKNN
from tests.model.closed_form_contract import ClosedFormContract
from tests.model.contract import draw_catalogue


class TestContract(ClosedFormContract):
    OPTIONS = ({}, {"modalities": ("image",), "decay": 1.0, "centre": False})

    def make(self, **options: Any) -> ContentKNN:
        return ContentKNN(**options)


def test_a_score_adds_up_decayed_cosines() -> None:
    features, present = draw_catalogue(6)
    system = ContentKNN(decay=0.5, centre=False)
    system.bind(6, features, present)
    history = torch.tensor([[2, 5]])
    score = system.score(history, torch.tensor([2]), history)[0, 4]
    cosines = [torch.cosine_similarity(table[3], table[item], dim=0) for item in (1, 4) for table in features.values()]
    torch.testing.assert_close(score, 0.5 * (cosines[0] + cosines[1]) + cosines[2] + cosines[3])


def test_what_all_items_share_does_not_count() -> None:
    features, present = draw_catalogue(6)
    vectors = []
    for shift in (torch.zeros(6), 20.0 * torch.arange(6)):
        system = ContentKNN(modalities=["text"])
        system.bind(6, {"text": features["text"] + shift}, present)
        vectors.append(system.item_vectors())
    torch.testing.assert_close(vectors[0], vectors[1], rtol=1e-3, atol=1e-4)


def test_missing_content_is_like_nothing_and_is_not_read() -> None:
    features, present = draw_catalogue(9, missing=True)
    other = {name: torch.where(present[name].unsqueeze(1), table, 9.0) for name, table in features.items()}
    tables = []
    for given in (features, other):
        system = ContentKNN()
        system.bind(9, given, present)
        tables.append(system.item_vectors())
    assert torch.equal(tables[0], tables[1])
    text, image = (~present[name] for name in ("text", "image"))
    assert (tables[0][1:, :6].norm(dim=1) == 0).equal(text) and (tables[0][1:, 6:].norm(dim=1) == 0).equal(image)


@pytest.mark.parametrize(
    ("options", "message"), [({"modalities": []}, "modalities"), ({"decay": 0.0}, "decay")], ids=str
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ContentKNN(**options)


def test_a_missing_modality_is_a_clear_error() -> None:
    features, present = draw_catalogue(3)
    with pytest.raises(ValueError, match="image"):
        ContentKNN().bind(3, {"text": features["text"]}, present)
