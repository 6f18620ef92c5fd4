"""What a model can learn from the sample shops: style, order, time, return, newness, text and pictures."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.sample.catalogue import DAY, EPOCHS, LATE_FROM, START, make_catalogue
from data.sample.options import ShopOptions
from data.sample.pictures import draw_picture
from data.sample.shelf import Shelf
from data.sample.text import records
from data.sample.users import draw_users
from data.sample.walk import walk
from data.sample.words import FILLERS, KIND_WORDS, N_KINDS, N_STYLES, STYLE_WORDS
from data.sample.world import make_world, stream

OPTIONS = ShopOptions(
    shop="Tea",
    seed=3,
    users=1500,
    items=300,
    length=12.0,
    periodic=0.3,
    late=0.2,
    interactions="ratings",
    image_size=32,
    missing_images=0.1,
    missing_text=0.05,
    missing_fields=0.1,
    dirt=0.0,
)


def purchases(options):
    catalogue = make_catalogue(options)
    rng = stream(options.seed, options.shop, "users", 0)
    users = draw_users(options.users, options.length, catalogue, rng)
    return catalogue, users, walk(make_world(options.seed), catalogue, Shelf(catalogue), users, rng)


def steps(options):
    """Style before, whether a rest went before that, style after; for all steps but each user's first."""
    catalogue, _, bought = purchases(options)
    inner = np.flatnonzero(bought.user_N[2:] == bought.user_N[:-2]) + 1
    style_N = catalogue.style_I[bought.item_N]
    rested = bought.time_N[inner] - bought.time_N[inner - 1] > 4 * DAY
    return style_N[inner], rested.astype(int), style_N[inner + 1]


def accuracy(learnt_from, tested_on):
    """Top-1 accuracy of the next style, by counting contexts in one shop and applying them to another."""
    counts = np.zeros((N_STYLES * 2, N_STYLES))
    np.add.at(counts, learnt_from, 1)
    context, after = tested_on
    return (counts.argmax(axis=1)[context] == after).mean()


@pytest.fixture(scope="module")
def tea():
    return purchases(OPTIONS)


@pytest.fixture(scope="module")
def tea_and_toys():
    return steps(OPTIONS), steps(dataclasses.replace(OPTIONS, shop="Toys"))


def test_style_dynamics_carry_over_to_another_shop(tea_and_toys):
    (before, _, after), (other_before, _, other_after) = tea_and_toys
    marginal = np.bincount(other_after, minlength=N_STYLES).max() / len(other_after)
    ordered = accuracy((before, after), (other_before, other_after))
    assert ordered > 2.5 * marginal


def test_the_gap_before_tells_more_than_the_order_alone(tea_and_toys):
    (before, rested, after), (other_before, other_rested, other_after) = tea_and_toys
    ordered = accuracy((before, after), (other_before, other_after))
    timed = accuracy((before * 2 + rested, after), (other_before * 2 + other_rested, other_after))
    assert timed > ordered + 0.05


def test_the_order_is_asymmetric():
    next_2SS = make_world(3).next_2SS
    assert np.allclose(next_2SS.sum(axis=2), 1) and np.allclose(next_2SS.sum(axis=1), 1)
    for matrix_SS in next_2SS:
        assert np.abs(matrix_SS - matrix_SS.T).max() > 0.5
    assert np.abs(next_2SS[0] - next_2SS[1]).max() > 0.5


def test_tastes_last(tea):
    catalogue, users, bought = tea
    loved_N = (users.tastes_BT[bought.user_N] == catalogue.style_I[bought.item_N][:, None]).any(axis=1)
    assert loved_N.mean() > 1.5 * users.tastes_BT.shape[1] / N_STYLES
    favoured_N = (users.kinds_BF[bought.user_N] == catalogue.kind_I[bought.item_N][:, None]).any(axis=1)
    assert favoured_N.mean() > 1.5 * users.kinds_BF.shape[1] / N_KINDS


def test_histories_are_about_as_long_as_asked(tea):
    _, users, bought = tea
    lengths = np.bincount(bought.user_N, minlength=len(users.start_B))
    assert 11 < lengths.mean() < 12.5
    assert lengths.max() <= 21 and np.mean(lengths >= 6) > 0.97


def test_purchases_come_in_bursts(tea):
    _, _, bought = tea
    gaps = np.diff(bought.time_N)[bought.user_N[1:] == bought.user_N[:-1]]
    assert gaps.min() >= 0
    assert 0.5 < np.mean(gaps <= 2 * DAY) < 0.85
    assert 0.1 < np.mean(gaps >= 7 * DAY) < 0.4


def again(bought):
    """Rows (user, item) bought before, with the seconds since: (row_M, wait_M)."""
    key_N = bought.user_N * 10**6 + bought.item_N
    order = np.lexsort((bought.time_N, key_N))
    same = key_N[order][1:] == key_N[order][:-1]
    return order[1:][same], np.diff(bought.time_N[order])[same]


def test_what_is_used_up_is_bought_again_after_its_period(tea):
    catalogue, _, bought = tea
    rows, wait = again(bought)
    assert 0.05 < len(rows) / len(bought.item_N) < 0.25
    period = catalogue.period_K[catalogue.kind_I[bought.item_N[rows]]]
    near = np.abs(wait / np.maximum(period, 1) - 1) < 0.25
    assert near.mean() > 0.8


def test_periodic_off_leaves_hardly_any_repeats():
    catalogue, _, bought = purchases(dataclasses.replace(OPTIONS, periodic=0.0))
    assert not catalogue.period_K.any()
    assert len(again(bought)[0]) / len(bought.item_N) < 0.02


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    items=st.integers(2, 150),
    late=st.floats(0, 1),
    periodic=st.floats(0, 1),
    length=st.floats(2, 40),
)
def test_no_item_is_bought_before_it_is_there(seed, items, late, periodic, length):
    options = dataclasses.replace(
        OPTIONS, seed=seed, items=items, late=late, periodic=periodic, length=length, users=50
    )
    catalogue, _, bought = purchases(options)
    released_N = START + catalogue.release_I[bought.item_N] * catalogue.epoch_seconds
    assert (bought.time_N >= released_N).all() and (bought.time_N < catalogue.end).all()
    assert ((bought.rating_N >= 1) & (bought.rating_N <= 5)).all()


def test_a_share_of_the_items_comes_late_and_is_bought_all_the_same(tea):
    catalogue, _, bought = tea
    late_I = catalogue.release_I > LATE_FROM * EPOCHS
    assert late_I.sum() == round(0.2 * 300)
    assert bought.time_N[late_I[bought.item_N]].min() > START + LATE_FROM * (catalogue.end - START)
    assert np.isin(np.flatnonzero(late_I), bought.item_N).mean() > 0.8
    last_N = np.append(bought.user_N[1:] != bought.user_N[:-1], True)
    assert 0.05 < late_I[bought.item_N[last_N]].mean() < 0.3  # cold items among the test labels


def test_popularity_is_long_tailed(tea):
    _, _, bought = tea
    counts = np.sort(np.bincount(bought.item_N, minlength=300))[::-1]
    assert counts[:60].sum() > 0.4 * counts.sum()


def test_no_word_belongs_to_two_vocabularies():
    kinds = [line.split() for lines in KIND_WORDS.values() for line in lines]
    words = [word for line in (*STYLE_WORDS, *kinds, FILLERS) for word in line]
    assert len(words) == len(set(words))
    assert {len(lines) for lines in KIND_WORDS.values()} == {N_KINDS}


@pytest.mark.parametrize("shop", ["Tea", "Unheard"])
def test_the_text_tells_the_style(shop):
    options = dataclasses.replace(OPTIONS, shop=shop, missing_fields=0.0)
    catalogue = make_catalogue(options)
    style_of = {word: style for style, words in enumerate(STYLE_WORDS) for word in words}
    for item, record in enumerate(records(options, catalogue)):
        text = f"{record['title']} {record['category']} {record['description']}".lower()
        styles = {style_of[word] for word in text.replace("'", " ").split() if word in style_of}
        assert styles <= {int(catalogue.style_I[item])}
        assert bool(styles) == bool(catalogue.has_text_I[item])


def test_the_picture_tells_the_style():
    rng = np.random.default_rng(0)

    def looks(n):
        return np.array(
            [
                [np.asarray(draw_picture(style, kind % N_KINDS, 32, rng)).mean(axis=(0, 1)) for kind in range(n)]
                for style in range(N_STYLES)
            ]
        )

    centre_S3, new_SN3 = looks(12).mean(axis=1), looks(6)
    nearest_SN = ((new_SN3[:, :, None] - centre_S3) ** 2).sum(axis=3).argmin(axis=2)
    assert (nearest_SN == np.arange(N_STYLES)[:, None]).mean() > 0.8  # by mean colour alone
