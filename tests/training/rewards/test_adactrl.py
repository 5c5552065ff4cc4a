"""Calibration and brevity of AdaCtrl: worked numbers, a reference in plain loops, the traps of the released code."""

from __future__ import annotations

import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.adactrl import Tag, adactrl, group_tags, tags_of

EASY, HARD, NONE = int(Tag.EASY), int(Tag.HARD), int(Tag.NONE)
Row = tuple[bool, float, int, int]  # right, length, group, tag


def reward(rows: list[Row], **knobs: object) -> list[float]:
    right, lengths, groups, tags = zip(*rows, strict=True)
    return adactrl(
        torch.tensor(right), torch.tensor(lengths, dtype=torch.float64), torch.tensor(groups), torch.tensor(tags), **knobs
    ).tolist()  # type: ignore[arg-type]


def by_loops(rows: list[Row], require_correct: bool, matching: bool, lengthen: bool) -> list[float]:
    found = []
    for right, length, group, tag in rows:
        mates = [row for row in rows if row[2] == group]
        truth = EASY if 1000 * sum(row[0] for row in mates) > 625 * len(mates) else HARD
        longest = max(row[1] for row in mates)
        falling = (1 - (1 - math.cos(math.pi * (length / longest if longest else 1.0))) / 2) if tag == EASY else 0.0
        rising = (1 - math.cos(math.pi * (length / longest if longest else 1.0))) / 2 if tag == HARD and lengthen else 0.0
        paid = (right or not require_correct) and (tag == truth or not matching)
        calibrated = -1 if tag == NONE else 1 if tag == truth else 0
        found.append((1 if right else -1) + 0.5 * calibrated + (0.5 * (falling + rising) if paid else 0))
    return found


def test_worked_numbers() -> None:
    """3 of 4 right: easy. L = 400; brevity is 1, (1 + cos(pi / 4)) / 2, 0.5 and 0 at 0, 100, 200 and 400."""
    rows: list[Row] = [(True, 100, 0, EASY), (True, 200, 0, HARD), (False, 200, 0, EASY), (True, 400, 0, NONE)]
    quarter = 0.5 * (1 + math.sqrt(0.5)) / 2
    assert reward(rows, preset="paper") == pytest.approx([1.5 + quarter, 1.0, -1 + 0.5 + 0.25, 0.5])
    assert reward(rows, preset="repo") == pytest.approx([1.5 + quarter, 1.0, -1 + 0.5, 0.5])
    assert reward(rows, preset="verl") == reward(rows, preset="trl") == reward(rows, preset="repo")


def test_a_hard_group_pays_for_saying_so_and_never_for_brevity() -> None:
    rows: list[Row] = [(False, 10, 0, HARD), (True, 10, 0, EASY), (False, 40, 0, HARD)]
    brevity = (1 + math.sqrt(0.5)) / 2
    assert reward(rows) == pytest.approx([-0.5, 1 + 0.5 * brevity, -0.5])  # the gate is the tag written, right or not


def test_exactly_the_threshold_is_hard() -> None:
    """With 16 responses eleven right ones make a group easy, ten are 0.625 and do not."""
    for right, truth in ((10, HARD), (11, EASY)):
        correct = torch.tensor([True] * right + [False] * (16 - right))
        assert group_tags(correct, torch.zeros(16, dtype=torch.int64)).tolist() == [truth] * 16


def test_a_share_equal_to_the_threshold_is_hard_in_any_group_size() -> None:
    for size, right in ((5, 3), (10, 6), (35, 21)):  # 0.6 in float32 is above 0.6
        correct = torch.tensor([True] * right + [False] * (size - right))
        assert group_tags(correct, torch.zeros(size, dtype=torch.int64), 0.6).tolist() == [HARD] * size


def test_the_second_manager_of_the_repository() -> None:
    rows: list[Row] = [(False, 100, 0, HARD), (False, 400, 0, HARD), (False, 100, 0, EASY), (True, 400, 0, HARD)]
    falling = (1 + math.sqrt(0.5)) / 2
    found = reward(rows, gate="matching_tag", hard_mode="lengthen")
    assert found == pytest.approx([-1 + 0.5 + 0.5 * (1 - falling), -1 + 0.5 + 0.5, -1, 1 + 0.5 + 0.5])


@given(st.data())
def test_agrees_with_loops_in_any_order_and_with_any_group_ids(data: st.DataObject) -> None:
    row = st.tuples(st.booleans(), st.integers(0, 50).map(float), st.integers(0, 3), st.sampled_from([EASY, HARD, NONE]))
    rows = data.draw(st.lists(row, min_size=1, max_size=20))
    gate, require_correct, hard_mode = data.draw(
        st.tuples(st.sampled_from(["generated_tag", "matching_tag"]), st.booleans(), st.sampled_from(["none", "lengthen"]))
    )
    knobs = {"gate": gate, "require_correct": require_correct, "hard_mode": hard_mode}
    expected = by_loops(rows, require_correct, gate == "matching_tag", hard_mode == "lengthen")
    assert reward(rows, **knobs) == pytest.approx(expected, abs=1e-12)
    order = list(range(len(rows)))
    random.Random(data.draw(st.integers(0, 99))).shuffle(order)
    moved = [(rows[at][0], rows[at][1], -7 - 1000 * rows[at][2], rows[at][3]) for at in order]
    assert reward(moved, **knobs) == pytest.approx([expected[at] for at in order], abs=1e-12)


def test_equal_lengths_and_a_group_of_one_have_no_brevity() -> None:
    assert reward([(True, 30, 0, EASY), (True, 30, 0, EASY), (True, 7, 1, EASY)]) == pytest.approx([1.5] * 3)


def test_a_group_of_empty_responses_is_no_number_trap() -> None:
    assert reward([(False, 0, 0, NONE), (False, 0, 0, EASY)]) == [-1.5, -1.0]


def test_tags_are_read_at_the_very_start_in_any_case() -> None:
    texts = ["[Easy] 2", "[hard]", "[EASY]x", " [Easy] 2", "\n[Hard]", "", "[Eas", "Easy", "xEasy] 2", "[Easy", "[Hard[", "[Medium] 2"]
    expected = [EASY, HARD, EASY, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE]
    assert tags_of(texts).tolist() == expected
    assert tags_of(texts, preset="repo").tolist() == [
        EASY if text == "xEasy] 2" else tag for text, tag in zip(texts, expected, strict=True)
    ]


def test_dtype_follows_the_inputs() -> None:
    flags, ids = torch.tensor([True, False]), torch.zeros(2, dtype=torch.int64)
    assert adactrl(flags, torch.tensor([1, 2]), ids, ids).dtype == torch.float32
    assert adactrl(flags, torch.tensor([1, 2], dtype=torch.float64), ids, ids).dtype == torch.float64


@pytest.mark.parametrize(
    "knobs",
    [{"preset": "mine"}, {"alpha": -1.0}, {"beta": float("nan")}, {"easy_threshold": 1.5}, {"gate": "both"}, {"hard_mode": "short"}],
)
def test_impossible_knobs_are_refused(knobs: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        reward([(True, 1, 0, EASY)], **knobs)


def test_unknown_tags_lengths_and_presets_are_refused() -> None:
    with pytest.raises(ConfigError, match="tags"):
        reward([(True, 1, 0, 2)])
    with pytest.raises(ConfigError, match="lengths"):
        reward([(True, -1, 0, EASY)])
    with pytest.raises(ConfigError, match="preset"):
        tags_of(["[Easy]"], preset="mine")
