"""An item's content is a table beside its vector, projected once for both."""

from unittest.mock import patch

import torch

from model.layers.content_and_ids import ContentAndIds
from tests.model.contract import draw_catalogue

ITEMS = 9


def make(ids: bool = True) -> ContentAndIds:
    torch.manual_seed(0)
    return ContentAndIds(ITEMS, *draw_catalogue(ITEMS, missing=True), 4, ids).eval()


def test_the_content_is_the_vector_without_its_row() -> None:
    items, few = make(), torch.tensor([[3, 0], [9, 3]])
    assert items.ids is not None
    torch.testing.assert_close(items(few), items.embed("content", few) + items.ids[few])
    torch.testing.assert_close(items.embed("content", few), items.embed("content")[few])
    alone = make(ids=False)
    assert torch.equal(alone(few), alone.embed("content", few))


def test_shared_it_projects_once_for_both_tables() -> None:
    items = make()
    text = items.tables["text"]
    with patch.object(text, "forward", wraps=text.forward) as project:
        with items.shared(lookups=100):
            items(torch.tensor([1, 2])), items.embed("content"), items()
        assert project.call_count == 1
        items.embed("content"), items()
        assert project.call_count == 3, "weights may change outside"
