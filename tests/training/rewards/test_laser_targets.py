"""The monitoring set of LASER-D: difficulty, the search, what is rounded, what falls back, and what a checkpoint keeps."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.training.rewards.laser_targets import Difficulty, LengthTargets, difficulty, least_correct, smallest_target

EASY, MEDIUM, HARD = Difficulty


def group_of(right: int, size: int, lengths: list[int] | None = None, group: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    correct = torch.tensor([index < right for index in range(size)])
    return correct, torch.tensor(lengths or [100] * size), torch.full((size,), group)


def joined(*groups: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    correct, lengths, ids = (torch.cat(parts) for parts in zip(*groups, strict=True))
    return correct, lengths, ids


@pytest.mark.parametrize(("right", "level"), [(8, EASY), (6, EASY), (5, MEDIUM), (3, MEDIUM), (2, HARD), (0, HARD)])
def test_a_high_share_of_right_answers_is_easy(right: int, level: Difficulty) -> None:
    correct, _, ids = group_of(right, 8)
    assert difficulty(correct, ids).tolist() == [level] * 8


@pytest.mark.parametrize("size", [3, 6, 9, 12, 30])
def test_shares_of_exactly_a_third_go_where_they_are_told(size: int) -> None:
    for right, easier, harder in ((2 * size // 3, EASY, MEDIUM), (size // 3, MEDIUM, HARD)):
        correct, _, ids = group_of(right, size)
        assert difficulty(correct, ids, boundary="easier")[0] == easier
        assert difficulty(correct, ids, boundary="harder")[0] == harder


def test_the_paper_rounds_up_and_its_code_down() -> None:
    assert least_correct(8, "ceil") == (6, 3, 1)
    assert least_correct(8, "floor") == (5, 2, 1)
    assert least_correct(2, "floor") == (1, 1, 1)
    assert LengthTargets().rounding == "ceil"
    assert LengthTargets(preset="repo").rounding == "floor"
    assert LengthTargets(preset="repo", rounding="ceil").rounding == "ceil"


@pytest.mark.parametrize(("expected", "needed"), [(6, 1 / 6), (3, 1 / 3), (1, 1.0), (5, 1 / 5), (2, 1 / 2)])
def test_the_coverage_that_is_needed(expected: int, needed: float) -> None:
    """The card's table: easy 1/6, medium 1/3, hard 1 in the paper; 1/5 and 1/2 in the code."""
    for short in range(31):
        lengths = torch.tensor([100] * short + [5000] * (30 - short))
        found = smallest_target(lengths, expected, lower=1024, upper=4096, interval=1024)
        assert (found == 1024) == (short / 30 >= needed - 1e-9)
        assert found in (1024, None)


@given(st.lists(st.integers(1, 6000), max_size=40), st.integers(1, 6))
def test_the_smallest_target_is_the_first_that_a_count_by_hand_accepts(lengths: list[int], expected: int) -> None:
    accepted = [
        target
        for target in (1000, 1700, 2400, 3100, 3800, 4000)
        if lengths and sum(length <= target for length in lengths) * expected >= len(lengths)
    ]
    got = smallest_target(torch.tensor(lengths, dtype=torch.int64), expected, lower=1000, upper=4000, interval=700)
    assert got == (accepted[0] if accepted else None)


def test_update_searches_each_difficulty_by_itself() -> None:
    targets = LengthTargets(lower=1024, upper=8192, interval=1024)
    easy = group_of(8, 8, [1500, 1500] + [9000] * 6, group=4)  # 2 of 8 are at least 1/6
    medium = group_of(4, 8, [2500, 2500] + [3500] * 6, group=1)  # 2 of 8 are not 1/3
    hard = group_of(1, 8, [700] * 7 + [7000], group=9)  # all 8 are needed
    assert targets.update(*joined(hard, easy, medium)) == (2048, 4096, 7168)
    assert targets.current == (2048, 4096, 7168)
    assert targets.updates == 1


def test_rounding_down_needs_more_coverage() -> None:
    easy = group_of(8, 8, [1000, 2000] + [3000] * 6)  # 1 of 8: below 1/6 and 1/5; 2 of 8: above both
    medium = group_of(4, 8, [1000] * 3 + [2000] * 5, group=1)  # 3 of 8: above 1/3, below 1/2
    knobs = {"lower": 1024, "upper": 8192}
    assert LengthTargets(**knobs).update(*joined(easy, medium))[:2] == (2048, 1024)
    assert LengthTargets(**knobs, preset="repo").update(*joined(easy, medium))[:2] == (2048, 2048)


def test_wrong_responses_count_in_the_coverage() -> None:
    medium = group_of(4, 8, [5000] * 4 + [100] * 4)  # the short ones are the wrong ones
    assert LengthTargets(lower=1024).update(*medium)[1] == 1024


def test_an_empty_difficulty_falls_back_to_the_longest_response() -> None:
    targets = LengthTargets(lower=1024, upper=8192)
    assert targets.update(*group_of(8, 8), longest=6321) == (1024, 6321, 6321)
    assert targets.update(*group_of(8, 8)) == (1024, 8192, 8192)


def test_a_hard_prompt_that_was_cut_keeps_its_target_at_the_context() -> None:
    targets = LengthTargets(lower=1024, upper=16384)
    assert targets.update(*group_of(0, 8, [100] * 7 + [16384]))[2] == 16384


def test_it_is_due_before_training_and_every_so_many_steps() -> None:
    assert [step for step in range(61) if LengthTargets(every=20).due(step)] == [0, 20, 40, 60]
    assert not any(LengthTargets(every=0).due(step) for step in range(5))


def test_without_a_monitoring_set_all_targets_are_the_fixed_one() -> None:
    assert LengthTargets().current == (8192, 8192, 8192)


def test_a_checkpoint_brings_the_targets_back() -> None:
    first = LengthTargets(lower=1024)
    first.update(*group_of(8, 8))
    state = json.loads(json.dumps(first.state_dict()))
    second = LengthTargets(lower=1024)
    second.load_state_dict(state)
    assert (second.current, second.updates) == (first.current, 1)
    assert second == first


@pytest.mark.parametrize("state", [{}, {"current": [1, 2], "updates": 0}, {"current": [1, 2, "3"], "updates": 0}, {"current": [1, 2, 3]}])
def test_a_state_of_another_shape_is_refused(state: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="state"):
        LengthTargets().load_state_dict(state)


@pytest.mark.parametrize(
    "knobs",
    [
        {"lower": 0},
        {"upper": 1000},
        {"interval": 0},
        {"every": -1},
        {"rollouts": 0},
        {"rounding": "up"},
        {"boundary": "x"},
        {"preset": "tinker"},
    ],
)
def test_settings_out_of_range_are_refused_by_name(knobs: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(knobs))):
        LengthTargets(**knobs)  # type: ignore[arg-type]
