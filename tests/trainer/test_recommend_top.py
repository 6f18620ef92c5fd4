import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.top import top_k

SCORES = st.sampled_from([-float("inf"), -1.0, 0.0, 0.5, 2.0])  # few values: many ties


@settings(max_examples=200, deadline=None)
@given(st.data(), st.integers(1, 7), st.integers(1, 4), st.integers(1, 9))
def test_best_first_and_of_equal_scores_the_lower_id(data: st.DataObject, columns: int, rows: int, k: int) -> None:
    scores = data.draw(st.lists(st.lists(SCORES, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    ids, values = top_k(torch.tensor(scores), k)
    for row, found, kept in zip(scores, ids.tolist(), values.tolist(), strict=True):
        expected = sorted(range(columns), key=lambda item, row=row: (-row[item], item))[:k]
        assert found == expected
        assert kept == [row[item] for item in expected]
