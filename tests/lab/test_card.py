"""The card's statistics, against numbers worked out by hand."""

import pytest

from thinkwell.lab.card import Vote, auroc, paired_interval, vote


def test_the_most_frequent_answer_wins_and_missing_ones_do_not_vote():
    assert vote([3, 3, None, None, None, 5], [1.0] * 6, gold=3) == 1.0
    assert vote([None, None], [1.0, 1.0], gold=3) == 0.0


def test_ties_are_averaged():
    assert vote([3, 5, 7], [1.0] * 3, gold=5) == pytest.approx(1 / 3)


def test_weights_can_overturn_the_majority():
    votes = Vote((4, 4, 9), (0.1, 0.1, 0.9), gold=9)
    assert (votes.majority, votes.weighted, votes.pass_n) == (0.0, 1.0, 1.0)
    assert votes.pass_1 == pytest.approx(1 / 3)


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    assert auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == pytest.approx(0.75)
    assert auroc([0.5, 0.5], [0, 1]) == pytest.approx(0.5)
    assert auroc([0.2, 0.3], [1, 1]) is None


def test_the_interval_of_equal_values_is_that_value_and_wider_for_noise():
    assert paired_interval([0.25] * 50) == [0.25, 0.25]
    low, high = paired_interval([0.0, 1.0] * 50)
    assert 0.38 < low < 0.45 < 0.55 < high < 0.62
