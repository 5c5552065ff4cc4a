"""Pairs of the present policy: gap, ties, prompts; what a stage keeps; the loss on stacked rows."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training.hand_made import batch, sample
from tests.training.small import engine, writer
from thinkwell.core.answer import VerdictValue
from thinkwell.core.errors import ConfigError
from thinkwell.training.experience import RewardError
from thinkwell.training.losses import mpo
from thinkwell.training.pairs import Pair, Pairs, make_pairs, pairs_of, preference_loss
from thinkwell.training.problems import LabProblems
from thinkwell.training.sample import Rewarded, Rollouts, Sample


def worth(made: Sample) -> float:
    """Differs between any two texts of a model that was not trained: the mean of its token ids, over a hundred."""
    ids = made.path.segments[1].tokens
    return sum(ids) / len(ids) / 100


class Worth:
    """A reward that needs no answer."""

    def __call__(self, found: Rollouts, step: int) -> Rewarded:
        return Rewarded(torch.tensor([worth(made) for made in found.samples], dtype=torch.float64))

    def state_dict(self) -> dict[str, Any]:
        return {"seen": 1}

    def load_state_dict(self, state: Any) -> None:
        assert state == {"seen": 1}


def test_the_best_is_paired_with_the_worst_of_its_group() -> None:
    group = batch(*(sample("a", length=n) for n in (1, 2, 3)), *(sample("b", length=n) for n in (4, 5)))
    pairs = pairs_of(group, torch.tensor([0.2, 0.9, 0.1, 0.5, 0.3]))
    assert [(p.chosen.length, p.rejected.length) for p in pairs] == [(2, 3), (4, 5)]
    assert [p.gap for p in pairs] == pytest.approx([0.8, 0.2])


def test_more_pairs_of_a_group_use_other_samples() -> None:
    group = batch(*(sample("a", length=n) for n in range(1, 7)))
    rewards = torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0, 0.0])
    assert [(p.chosen.length, p.rejected.length) for p in pairs_of(group, rewards, per_group=9)] == [(1, 6), (2, 5), (3, 4)]
    assert [p.gap for p in pairs_of(group, rewards, per_group=9, min_gap=3)] == [5.0, 3.0]


def test_ties_and_small_gaps_make_no_pair_and_the_threshold_itself_does() -> None:
    group = batch(sample("a"), sample("a"), sample("b"), sample("b"))
    assert pairs_of(group, torch.tensor([1.0, 1.0, 0.0, 0.0])) == []
    assert len(pairs_of(group, torch.tensor([1.0, 0.5, 0.25, 0.0]), min_gap=0.5)) == 1


def test_unjudged_samples_and_groups_of_one_make_no_pair() -> None:
    group = batch(sample("a"), sample("a", value=VerdictValue.TIMEOUT), sample("b"))
    assert pairs_of(group, torch.tensor([1.0, 0.0, 5.0])) == []


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.5, 1.0, 1.25])), max_size=14)


@given(ROWS, st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.integers(1, 3))
def test_gap_ties_prompts_and_single_use_hold_for_any_rewards(rows: list[tuple[str, float]], min_gap: float, per_group: int) -> None:
    samples = [sample(group, length=place + 1) for place, (group, _) in enumerate(rows)]
    pairs = pairs_of(batch(*samples), torch.tensor([value for _, value in rows]), min_gap=min_gap, per_group=per_group)
    value = {made.length: reward for made, (_, reward) in zip(samples, rows, strict=True)}
    used = [side.length for pair in pairs for side in (pair.chosen, pair.rejected)]
    assert len(used) == len(set(used))
    for pair in pairs:
        assert pair.chosen.group == pair.rejected.group
        assert pair.chosen.problem == pair.rejected.problem
        assert pair.gap == value[pair.chosen.length] - value[pair.rejected.length]
        assert pair.gap >= min_gap
        assert pair.gap > 0
    assert max(Counter(pair.chosen.group for pair in pairs).values(), default=0) <= per_group
    for group in {group for group, _ in rows}:  # a group is paired whenever its best and worst are far enough apart
        values = [reward for name, reward in rows if name == group]
        gap = max(values) - min(values)
        assert any(pair.chosen.group == group for pair in pairs) is (gap > 0 and gap >= min_gap)


def test_rewards_that_do_not_fit_are_refused() -> None:
    for rewards in (torch.zeros(1), torch.tensor([0.0, float("nan")])):
        with pytest.raises(ConfigError, match="one finite number"):
            pairs_of(batch(sample(), sample()), rewards)


def test_pairs_are_made_of_what_the_policy_writes_and_again_the_same() -> None:
    source = LabProblems((1,), 0)

    def made() -> list[Pair]:
        by = engine()
        return asyncio.run(make_pairs(writer(by, 12), lambda n: [source.at(i) for i in range(n)], Worth(), prompts=3, samples=4)).pairs

    first = made()
    assert len(first) == 3
    assert [(p.chosen.path, p.rejected.path) for p in first] == [(p.chosen.path, p.rejected.path) for p in made()]
    for pair in first:
        assert worth(pair.chosen) > worth(pair.rejected)
        assert pair.chosen.path.prompt == pair.rejected.path.prompt


def test_a_reward_that_raises_stops_and_shows_the_sample() -> None:
    class Broken(Worth):
        def __call__(self, found: Rollouts, step: int) -> Rewarded:
            raise ZeroDivisionError("no judge")

    source = LabProblems((1,), 0)
    with pytest.raises(RewardError, match="no judge"):
        asyncio.run(make_pairs(writer(engine(), 4), lambda n: [source.at(i) for i in range(n)], Broken(), prompts=1, samples=2))


def maker(count: int = 5) -> Pairs:
    found = Pairs(Worth(), prompts=2, samples=2, seed=3)
    found.pairs = [Pair(sample(str(i), length=2), sample(str(i), length=1), 0.01) for i in range(count)]
    return found


def test_every_pair_is_seen_once_before_any_is_seen_twice() -> None:
    groups = [pair.chosen.group for number in range(5) for pair in maker().batch(number, 2)]
    assert sorted(groups[:5]) == sorted(groups[5:]) == list("01234")
    assert [pair.chosen.group for pair in maker(1).batch(0, 4)] == ["0"]
    assert maker(0).batch(0, 4) == []


def test_what_a_stage_keeps_comes_back_through_a_file() -> None:
    first = maker()
    first.shift = 0.125
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = Pairs(Worth(), prompts=2, samples=2, seed=3)
    second.load_state_dict(torch.load(file, weights_only=True))
    assert second.shift == 0.125
    assert [second.batch(number, 2) for number in range(4)] == [first.batch(number, 2) for number in range(4)]


@pytest.mark.parametrize("knobs", [{"prompts": 0}, {"samples": 1}, {"min_gap": -1.0}, {"samples": 4, "per_group": 3}])
def test_knobs_out_of_range_are_refused(knobs: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Pairs(Worth(), **knobs)


def test_stacked_rows_are_the_mixed_loss_of_their_halves() -> None:
    torch.manual_seed(0)
    logp, ref = -torch.rand(6, 5), -torch.rand(6, 5)
    mask = torch.rand(6, 5) > 0.3
    loss, metrics = preference_loss(logp, ref, mask, shift=0.3, beta=0.5, batch_pairs=4)
    expected = mpo(logp[:3], logp[3:], ref[:3], ref[3:], mask[:3], mask[3:], shift=0.3, beta=0.5, batch_pairs=4)
    assert (float(loss), metrics) == (float(expected[0]), expected[1])
    with pytest.raises(ConfigError, match="no pairs"):
        preference_loss(logp[:5], ref[:5], mask[:5])
