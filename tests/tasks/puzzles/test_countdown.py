"""Countdown: the rule of positive whole numbers on the way, which the original states and does not look at; knobs that leave no target."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tasks.checks.countdown import check
from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item

NAME = "puzzles/countdown"
TASK = load(NAME)


def item_of(target: int, *numbers: int) -> Item:
    return replace(TASK.item(0, 0), meta={"numbers": list(numbers), "target": target})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("8 * 3 / 4 + 6", ""),
        ("8 + 8 - 4", "8 is used more often than it is given"),
        ("8 * 3 / 4", "6 is not used as often as it is given"),
        ("8 + 6 - 3 + 4", "the expression is 15, the target is 12"),
        ("8 / 3 * 6 - 4", "8 / 3 is 8/3; every intermediate result must be a positive whole number"),
        ("(3 - 8 + 6) * 4", "3 - 8 is -5; every intermediate result must be a positive whole number"),
        ("12", "12 is used more often than it is given"),
    ],
)
def test_every_result_on_the_way_is_a_positive_whole_number(answer: str, reason: str) -> None:
    item = item_of(12, 8, 3, 4, 6)
    assert TASK.verify(f"```\n{answer}\n```", item).reason == reason
    assert check(answer, item) is (reason == "")


def test_zero_on_the_way_does_not_count() -> None:
    assert "is 0" in TASK.verify("```\n(5 - 5) * 2 + 7\n```", item_of(7, 5, 5, 2, 7)).reason


def test_the_paper_s_rule_looks_at_numbers_and_value_alone() -> None:
    item = item_of(4, 3, 8, 6, 4)
    assert [TASK.verify(f"```\n{text}\n```", item, "paper").value for text in ("(3 - 8 + 6) * 4", "8 + 3 - 6 = 4", "8 - 4")] == [1, 0, 0]
    assert TASK.verify("```\n(3 - 8 + 6) * 4\n```", item).value == 0


def test_targets_out_of_reach_are_refused() -> None:
    with pytest.raises(ConfigError, match="out of reach of 2 numbers up to 5"):
        load(NAME, count=2, largest=5, min_target=26)
    assert load(NAME, count=2, largest=2, min_target=4, max_target=4, split="all").item(0, 0).answer in ("2 * 2", "2 + 2")
    with pytest.raises(ConfigError, match="above max_target"):
        load(NAME, min_target=101)
