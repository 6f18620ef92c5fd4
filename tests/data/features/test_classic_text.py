import json
import logging

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_info, threadpool_limits

from data.features.classic import ClassicText
from data.features.encoder import Item

TEXTS = [
    "green tea leaves from Assam",
    "black tea leaves from Assam",
    "green tea bags",
    "black coffee beans",
    "roasted coffee beans from Brazil",
    "coffee grinder, steel",
    "steel kettle for tea",
]


def items(*texts: str) -> list[Item]:
    return [Item(f"i{number}", text, None) for number, text in enumerate(texts)]


@pytest.fixture(scope="module")
def fitted() -> ClassicText:
    return ClassicText(dim=4).fit(items(*TEXTS))


def test_rows_have_length_one_and_like_texts_are_near(fitted):
    values, present = fitted.encode(items(*TEXTS))
    assert values.shape == (7, 4) and values.dtype == np.float32 and present.all()
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, rtol=1e-5)
    like = values @ values.T
    assert like[0, 1] > like[0, 3] and like[3, 4] > like[3, 2]


def test_it_is_the_svd_of_scikit_learns_tfidf(fitted):
    reference = TfidfVectorizer(
        strip_accents="unicode", stop_words="english", ngram_range=(1, 2), sublinear_tf=True, min_df=2
    )
    weights = reference.fit_transform(TEXTS).toarray()
    assert list(reference.get_feature_names_out()) == fitted.terms
    rows = weights @ np.linalg.svd(weights)[2][:4].T
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = fitted.encode(items(*TEXTS))[0]
    np.testing.assert_allclose(found @ found.T, rows @ rows.T, atol=1e-4)


def test_empty_and_unknown_texts_are_missing(fitted):
    values, present = fitted.encode(items("", "  \n", "zzz qqq", "the of", "tea"))
    assert present.tolist() == [False, False, False, False, True]
    assert not values[:4].any()


def test_empty_texts_do_not_count_in_the_fit(fitted):
    assert ClassicText(dim=4).fit(items("", *TEXTS, " ")).options == fitted.options


def test_each_component_points_to_its_largest_term(fitted):
    peaks = np.abs(fitted.components).argmax(axis=1)
    assert (fitted.components[np.arange(4), peaks] > 0).all()


def test_neither_the_svds_signs_nor_the_threads_matter(fitted, monkeypatch):
    def mirrored(*arguments, **options):
        assert all(pool["num_threads"] == 1 for pool in threadpool_info())
        left, sizes, right = randomized_svd(*arguments, **options)
        return -left, sizes, -right

    monkeypatch.setattr("sklearn.utils.extmath.randomized_svd", mirrored)
    with threadpool_limits(2):
        found = ClassicText(dim=4).fit(items(*TEXTS))
    np.testing.assert_array_equal(found.components, fitted.components)


def test_the_seed_belongs_to_the_space(fitted):
    again, other = (ClassicText(dim=4, seed=seed).fit(items(*TEXTS)) for seed in (0, 1))
    assert again.options == fitted.options != other.options
    np.testing.assert_array_equal(again.components, fitted.components)


def test_dims_beyond_the_rank_are_zero_and_said(caplog):
    with caplog.at_level(logging.WARNING):
        encoder = ClassicText(dim=64).fit(items(*TEXTS))
    values, present = encoder.encode(items(*TEXTS))
    assert values.shape == (7, 64) and present.all() and not values[:, 7:].any()
    assert "the other 57 are zero" in caplog.text


@pytest.mark.parametrize("texts", [[], ["", " "], ["the", "!?"]])
def test_texts_without_a_term(texts, tmp_path):
    encoder = ClassicText(dim=3).fit(items(*texts))
    encoder.save(tmp_path / "e")
    for one in (encoder, ClassicText.load(tmp_path / "e")):
        values, present = one.encode(items("tea", ""))
        assert values.shape == (2, 3) and not present.any() and not values.any()


def test_one_item_and_texts_that_share_no_term():
    assert ClassicText(dim=3).fit(items("green tea")).encode(items("green tea"))[1].all()
    apart = items("alpha", "beta", "gamma")
    values, present = ClassicText(dim=3).fit(apart).encode(apart)
    assert present.all()
    np.testing.assert_allclose(values @ values.T, np.eye(3), atol=1e-5)


def test_no_items_to_encode(fitted):
    values, present = fitted.encode([])
    assert values.shape == (0, 4) and present.shape == (0,)


def test_many_items_are_encoded_in_parts(fitted, monkeypatch):
    whole = fitted.encode(items(*TEXTS))[0]
    monkeypatch.setattr("data.features.classic_text.CHUNK", 3)
    np.testing.assert_array_equal(fitted.encode(iter(items(*TEXTS)))[0], whole)


def test_max_terms_keeps_the_most_frequent():
    assert ClassicText(dim=2, max_terms=2).fit(items(*TEXTS)).terms == ["coffee", "tea"]


def test_saved_and_loaded_it_encodes_alike(fitted, tmp_path):
    fitted.save(tmp_path / "e.safetensors")
    loaded = ClassicText.load(tmp_path / "e.safetensors")
    new = items("green coffee from Brazil", "TEA")
    np.testing.assert_array_equal(loaded.encode(new)[0], fitted.encode(new)[0])
    assert loaded.options == fitted.options
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "e.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": "other"}, "made by 'other'"),
        ({"settings": "{"}, "no readable 'settings'"),
        ({"settings": json.dumps({"dim": 4, "version": 1})}, "no readable 'settings'"),
        ({"settings": json.dumps({"dim": 4, "max_terms": 9, "seed": 0, "version": 2})}, "another version"),
        ({"terms": '["tea"]'}, r"'components' is \(4, \d+\), not \(4, 1\)"),
        ({"terms": "x"}, "'terms' is not JSON"),
        ({"idf": np.nan}, "NaN"),
    ],
)
def test_files_that_are_no_saved_encoder(fitted, tmp_path, change, message):
    path = tmp_path / "e"
    settings = json.dumps(fitted.settings)
    metadata = {"encoder": fitted.name, "settings": settings, "terms": json.dumps(fitted.terms)}
    fitted.save(path)
    tensors = load_file(path)
    if "idf" in change:
        tensors["idf"][0] = change["idf"]
    save_file(tensors, path, metadata | {key: value for key, value in change.items() if key != "idf"})
    with pytest.raises(ValueError, match=message):
        ClassicText.load(path)


def test_missing_and_broken_encoders(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        ClassicText.load(tmp_path / "e")
    (tmp_path / "e").write_bytes(b"hello")
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        ClassicText.load(tmp_path / "e")


def test_a_width_below_one():
    with pytest.raises(ValueError, match="at least 1"):
        ClassicText(dim=0)
