"""The selective sample buffer: what it keeps, how it draws, and that a resumed one draws the same."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.hand_made import row
from thinkwell.core.errors import ConfigError
from thinkwell.training.buffers import SelectiveBuffer, priority
from thinkwell.training.sample import Row


def names(rows: list[Row]) -> list[str]:
    return [f"{one.sample.group}:{float(one.advantage.sum()):g}" for one in rows]


def test_rows_without_advantage_are_replaced_by_earlier_ones() -> None:
    buffer = SelectiveBuffer(8, share=1.0)
    first = buffer.mix([row(1.0, group="a"), row(-2.0, group="a"), row(0.0, group="b"), row(0.0, group="b")], 1)
    assert [one.sample.group for one in first] == ["a", "a"]
    assert len(buffer) == 2
    assert buffer.metrics["buffer/effective"] == buffer.metrics["buffer/trained"] == 0.5
    second = buffer.mix([row(3.0, group="c"), row(0.0, group="d"), row(0.0, group="d"), row(0.0, group="d")], 2)
    assert second[0].sample.group == "c"
    assert {one.sample.group for one in second[1:]} == {"a"}
    assert len(second) == 4
    assert buffer.metrics == {
        "buffer/effective": 0.25,
        "buffer/trained": 1.0,
        "buffer/replayed": 3.0,
        "buffer/age": 1.0,
        "buffer/size": 3.0,
    }


def test_a_step_full_of_gradient_replays_nothing() -> None:
    buffer = SelectiveBuffer(8)
    buffer.mix([row(1.0), row(-1.0)], 1)
    assert len(buffer.mix([row(1.0), row(-1.0)], 2)) == 2
    assert buffer.metrics["buffer/replayed"] == 0


def test_the_share_bounds_what_is_replayed() -> None:
    buffer = SelectiveBuffer(8, share=0.5)
    buffer.mix([row(1.0)] * 4, 1)
    assert len(buffer.mix([row(0.0)] * 8, 2)) == 4
    assert len(SelectiveBuffer(8, share=0.0).mix([row(0.0)] * 8, 2)) == 0


def test_draws_go_by_the_size_of_the_advantage_whatever_its_sign() -> None:
    buffer = SelectiveBuffer(8)
    buffer.mix([row(1.0), row(-3.0), row(4.0)], 1)
    assert buffer.probabilities().tolist() == pytest.approx([0.125, 0.375, 0.5])
    squared, even = SelectiveBuffer(8, alpha=2.0), SelectiveBuffer(8, alpha=0.0)
    for other in (squared, even):
        other.load_state_dict(buffer.state_dict())
    assert squared.probabilities().tolist() == pytest.approx([1 / 26, 9 / 26, 16 / 26])
    assert even.probabilities().tolist() == pytest.approx([1 / 3] * 3)


def test_the_draws_themselves_have_those_probabilities() -> None:
    buffer = SelectiveBuffer(3, share=1.0, max_age=10_000)
    buffer.mix([row(1.0, group="a"), row(-3.0, group="b"), row(4.0, group="c")], 1)
    seen: Counter[str] = Counter()
    for step in range(2, 402):
        seen.update(one.sample.group for one in buffer.mix([row(0.0)] * 10, step))
    assert sum(seen.values()) == 4000
    for group, expected in (("a", 0.125), ("b", 0.375), ("c", 0.5)):  # five standard deviations of a share of 4,000 draws
        assert seen[group] / 4000 == pytest.approx(expected, abs=5 * (expected * (1 - expected) / 4000) ** 0.5)


def test_the_oldest_rows_go_first() -> None:
    buffer = SelectiveBuffer(3, share=0.0)
    for step in range(1, 6):
        buffer.mix([row(float(step), group=str(step))], step)
    assert [kept["row"]["sample"]["group"] for kept in buffer.state_dict()["rows"]] == ["3", "4", "5"]


def test_a_row_is_replayed_until_its_age_and_no_longer() -> None:
    for step, there in ((4, True), (5, False)):
        buffer = SelectiveBuffer(4, share=1.0, max_age=3)
        buffer.mix([row(1.0)], 1)
        assert bool(buffer.mix([row(0.0)], step)) is there


def test_a_row_of_a_policy_too_many_updates_ago_is_not_replayed() -> None:
    for version, there in ((6, True), (7, False)):
        buffer = SelectiveBuffer(4, share=1.0, max_lag=2)
        buffer.mix([row(1.0, version=4)], 1)
        assert bool(buffer.mix([row(0.0, version=version)], 2)) is there


def test_an_advantage_within_the_tolerance_is_none() -> None:
    buffer = SelectiveBuffer(4, min_advantage=1e-3)
    assert names(buffer.mix([row(5e-4, group="a"), row(-2e-3, group="b")], 1)) == ["b:-0.008"]


def test_with_a_real_valued_reward_verdicts_can_decide_what_is_kept() -> None:
    rows = [row(0.01, group="a"), row(-0.01, group="a"), row(0.5, group="b"), row(-0.5, group="b", right=False)]
    assert len(SelectiveBuffer(8).mix(rows, 1)) == 4
    assert [one.sample.group for one in SelectiveBuffer(8, signal="verdict").mix(rows, 1)] == ["b", "b"]


def test_a_replayed_row_keeps_advantage_weight_and_old_logprobs() -> None:
    buffer = SelectiveBuffer(4, share=1.0)
    made = row(1.5)
    buffer.mix([made], 1)
    (back,) = buffer.mix([row(0.0)], 2)
    assert back.sample == made.sample
    assert back.weight == 1.0
    assert made.old_logp is not None
    assert back.old_logp is not None
    assert torch.equal(back.old_logp, made.old_logp)
    assert torch.equal(back.advantage, made.advantage)


def test_a_row_without_old_logprobs_is_stored_with_those_of_its_engine() -> None:
    """Were they computed at the replay, they would be the newest policy's, and no ratio would show that the row is old."""
    buffer = SelectiveBuffer(4, share=1.0)
    buffer.mix([row(1.5, known=False)], 1)
    (back,) = buffer.mix([row(0.0)], 2)
    assert back.old_logp is not None
    assert back.old_logp.tolist() == pytest.approx([0, 0, 0, -0.1, -0.2, -0.3, -0.4])


def test_at_another_temperature_the_engines_logprobs_are_refused() -> None:
    with pytest.raises(ConfigError, match="before the buffer"):
        SelectiveBuffer(4, temperature=0.7).mix([row(1.5, known=False)], 1)
    assert SelectiveBuffer(4, temperature=0.7).mix([row(1.5)], 1)


def test_the_priority_is_the_mean_over_trained_tokens() -> None:
    made = row(-2.0)
    assert priority(made) == 2.0
    assert priority(Row(made.sample, 0.0, torch.zeros(7, dtype=torch.bool), made.advantage)) == 0.0


def test_without_replacement_no_row_comes_twice() -> None:
    buffer = SelectiveBuffer(8, share=1.0, replacement=False)
    buffer.mix([row(float(i), group=str(i)) for i in range(1, 5)], 1)
    drawn = [one.sample.group for one in buffer.mix([row(0.0)] * 10, 2)]
    assert sorted(drawn) == ["1", "2", "3", "4"]


STEPS = st.lists(st.lists(st.sampled_from([0.0, 1.0, -0.5, 3.0]), min_size=1, max_size=6), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 5), st.floats(0, 1), st.integers(1, 3), st.booleans())
def test_never_more_than_asked_never_too_old_and_no_fresh_gradient_lost(
    steps: list[list[float]], capacity: int, share: float, max_age: int, replacement: bool
) -> None:
    buffer = SelectiveBuffer(capacity, share=share, max_age=max_age, replacement=replacement)
    for step, values in enumerate(steps, 1):
        rows = [row(value, group=str(step), version=step) for value in values]
        trained = buffer.mix(rows, step)
        fresh = [one for one in trained if one.sample.group == str(step)]
        replayed = trained[len(fresh) :]
        assert len(trained) <= len(rows)
        assert len(buffer) <= capacity
        assert len(fresh) == sum(value != 0 for value in values)
        assert len(replayed) <= share * len(rows) + 1e-9
        assert all(0 < step - one.sample.version <= max_age for one in replayed)
        assert all(priority(one) > 0 for one in trained)


@settings(max_examples=40, deadline=None)
@given(STEPS, st.integers(0, 7), st.integers(0, 3))
def test_a_buffer_that_was_saved_and_loaded_draws_the_same(steps: list[list[float]], at: int, seed: int) -> None:
    def fresh() -> SelectiveBuffer:
        return SelectiveBuffer(5, share=1.0, seed=seed)

    whole, part = fresh(), fresh()
    for step, values in enumerate(steps, 1):
        if step == at:
            file = io.BytesIO()
            torch.save(part.state_dict(), file)
            file.seek(0)
            part = fresh()
            part.load_state_dict(torch.load(file, weights_only=True))
        rows = [row(value, group=f"{step}.{place}") for place, value in enumerate(values)]
        assert names(whole.mix(rows, step)) == names(part.mix(rows, step))
        assert whole.metrics == part.metrics


def test_another_seed_draws_otherwise() -> None:
    def drawn(seed: int) -> list[str]:
        buffer = SelectiveBuffer(64, share=1.0, seed=seed)
        buffer.mix([row(1.0, group=str(i)) for i in range(40)], 1)
        return names(buffer.mix([row(0.0)] * 20, 2))

    assert drawn(0) == drawn(0) != drawn(1)


@pytest.mark.parametrize(
    "knobs",
    [
        {"capacity": 0},
        {"share": 1.5},
        {"share": -0.1},
        {"alpha": -1.0},
        {"max_age": 0},
        {"max_lag": -1},
        {"signal": "x"},
        {"temperature": 0.0},
    ],
)
def test_knobs_out_of_range_are_refused(knobs: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        SelectiveBuffer(**knobs)
