"""The windowed rollout: it is the group rollout in pieces, each token is trained on once, slots stay busy, and a pool goes on after a resume as if nothing had been."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from tests.training.rollouts.rollout_world import Source, collect, numbered, of_lengths, policy
from thinkwell.core.errors import ConfigError, DataError
from thinkwell.core.path import Finish, Origin
from thinkwell.training.rollouts.group import Group
from thinkwell.training.rollouts.slots import Occupancy, simulate
from thinkwell.training.rollouts.windowed import Windowed
from thinkwell.training.sample import Sample

LONGEST = 160


def ended(samples: list[Sample]) -> dict[tuple[str, str], Sample]:
    return {(sample.group, sample.path.id): sample for sample in samples if sample.finished}


def test_a_window_of_the_greatest_length_is_the_group_rollout_token_for_token() -> None:
    engine, one, other = policy(), Source(), Source()
    windowed = Windowed(prompts=3, size=2, window=LONGEST, refill="update")
    for step in ("1", "2"):
        theirs = collect(Group(2, 3), engine, one, step, max_tokens=LONGEST)
        ours = collect(windowed, engine, other, step, max_tokens=LONGEST)
        assert [(s.path, s.group, s.problem, s.finished, s.version) for s in ours] == [
            (s.path, s.group, s.problem, s.finished, s.version) for s in theirs
        ]
        assert [s.start for s in ours] == [s.path.segments[0].n_tokens for s in ours]
        assert [s.mask() for s in ours] == [s.mask() for s in theirs]
    assert one.position == other.position == 6


@pytest.mark.parametrize("refill", ["update", "window"])
def test_windows_continue_one_another_as_if_the_response_had_been_written_at_once(refill: str) -> None:
    """With weights that stay the same, a response in windows has the tokens of the one the group rollout writes in the same place."""
    engine = policy()
    whole = ended(collect(Group(2, 3), engine, Source(), max_tokens=LONGEST))
    windowed, source = Windowed(prompts=3, size=2, window=37, refill=refill), Source()  # type: ignore[arg-type]
    pieces = [sample for step in range(1, 8) for sample in collect(windowed, engine, source, str(step), max_tokens=LONGEST)]
    found = ended(pieces)
    for name, sample in whole.items():
        assert found[name].path.tokens == sample.path.tokens
        assert found[name].path.text == sample.path.text
        assert found[name].path.finish is sample.path.finish
        assert found[name].path.logprobs() == pytest.approx(sample.path.logprobs(), abs=1e-4)


@pytest.mark.parametrize("refill", ["update", "window"])
def test_every_token_is_trained_on_exactly_once_in_the_step_that_wrote_it(refill: str) -> None:
    engine, source = policy(), Source()
    windowed = Windowed(prompts=2, size=2, window=29, refill=refill)  # type: ignore[arg-type]
    trained: Counter[tuple[str, str, int]] = Counter()
    last: dict[tuple[str, str], Sample] = {}
    for step in range(1, 9):
        samples = collect(windowed, engine, source, str(step), max_tokens=LONGEST)
        assert len({(s.group, s.path.id) for s in samples}) == len(samples)
        for sample in samples:
            assert sample.version == step
            assert sum(sample.mask()) == len(sample.path) - sample.start <= 29
            for position, flag in enumerate(sample.mask()):
                trained[sample.group, sample.path.id, position] += flag
            last[sample.group, sample.path.id] = sample
    for (group, name), sample in last.items():
        prompt = sample.path.segments[0].n_tokens
        counts = [trained[group, name, position] for position in range(len(sample.path))]
        assert counts == [0] * prompt + [1] * (len(sample.path) - prompt)
    assert sum(sample.finished for sample in last.values()) >= 4


def test_a_response_at_the_greatest_length_is_finished_and_cut_and_one_at_its_window_neither() -> None:
    engine = of_lengths(lambda problem, path: 8 if problem == "p0" else 100)
    windowed, source = Windowed(prompts=2, size=1, window=6, refill="update"), Source(numbered)
    steps = [collect(windowed, engine, source, str(step), max_tokens=15, name="r1") for step in (1, 2, 3)]
    short, long = zip(*steps, strict=True)
    assert [(s.finished, s.cut, s.path.finish, s.length) for s in long] == [
        (False, False, None, 6),
        (False, False, None, 12),
        (True, True, Finish.LENGTH, 15),
    ]
    assert [(s.finished, s.cut, s.path.finish, s.length) for s in short] == [
        (False, False, None, 6),
        (True, False, Finish.EOS, 8),
        (False, False, None, 6),  # the next step began another response
    ]
    assert [s.problem.id for s in short] == ["p0", "p0", "p2"]


def test_a_slot_goes_on_at_once_where_the_window_is_refilled() -> None:
    engine = of_lengths(lambda problem, path: {"p0": 3, "p1": 12, "p2": 4, "p4": 5}[problem])
    windowed, source = Windowed(prompts=2, size=1, window=10, refill="window"), Source(numbered)
    samples = collect(windowed, engine, source, name="r1")
    assert [(s.problem.id, s.length, s.finished) for s in samples] == [
        ("p0", 3, True),
        ("p2", 4, True),
        ("p4", 3, False),
        ("p1", 10, False),
    ]
    assert windowed.metrics == {"utilisation": 1.0, "utilisation_so_far": 1.0, "decode_steps": 10.0}
    assert sorted(windowed.waiting) == [3, 5]  # drawn with p2 and p4, and kept for the slot they belong to


def test_each_problem_gets_its_number_of_responses_and_none_is_lost() -> None:
    lengths = random.Random(3)
    engine = of_lengths(lambda problem, path: random.Random(problem + path).randint(2, 20))
    windowed, source = Windowed(prompts=3, size=4, window=lengths.randint(5, 9)), Source(numbered)
    done: Counter[str] = Counter()
    for step in range(1, 30):
        done.update(s.problem.id for s in collect(windowed, engine, source, str(step), name="r1") if s.finished)
    assert max(done.values()) == 4
    full = [name for name, count in done.items() if count == 4]
    assert {f"p{place}" for place in range(len(full) // 2)} <= set(full)
    running = Counter(response.problem.id for response in windowed.live if response)
    waiting = Counter({entry.problem.id: entry.left for entry in windowed.waiting.values()})
    assert done + running + waiting == Counter({f"p{place}": 4 for place in range(source.position)})


@pytest.mark.parametrize("refill", ["update", "window"])
def test_a_pool_resumed_from_its_state_writes_what_it_would_have_written(refill: str) -> None:
    knobs = {"prompts": 2, "size": 3, "window": 33, "refill": refill}
    source = Source()
    straight = Windowed(**knobs)  # type: ignore[arg-type]
    for step in (1, 2, 3):
        collect(straight, policy(), source, str(step), max_tokens=LONGEST)
    state, position = json.dumps(straight.state_dict()), source.position
    assert sum(response is not None for response in straight.live) >= 3

    resumed, later = Windowed(**knobs), Source(position=position)  # type: ignore[arg-type]
    resumed.load_state_dict(json.loads(state))
    for step in (4, 5, 6):
        expected = collect(straight, policy(), source, str(step), max_tokens=LONGEST)
        found = collect(resumed, policy(rows=2), later, str(step), max_tokens=LONGEST)
        assert [(s.path.tokens, s.path.id, s.group, s.start, s.finished, s.problem) for s in found] == [
            (s.path.tokens, s.path.id, s.group, s.start, s.finished, s.problem) for s in expected
        ]
    assert resumed.state_dict()["occupancy"] == straight.state_dict()["occupancy"]


def test_a_process_with_a_share_of_the_problems_has_a_share_of_the_slots() -> None:
    engine, whole = of_lengths(lambda problem, path: 5), Source(numbered)
    windowed = Windowed(prompts=4, size=2, window=10, refill="update")
    samples = collect(windowed, engine, lambda count: whole(count)[1::2], name="r1")
    assert [sample.problem.id for sample in samples] == ["p1", "p1", "p3", "p3"]
    assert windowed.slots == 4
    assert windowed.metrics["utilisation"] == 1.0


def test_prompt_tokens_of_earlier_windows_and_of_others_are_never_trained() -> None:
    engine, source = policy(), Source()
    windowed = Windowed(prompts=1, size=2, window=20)
    collect(windowed, engine, source, "1", max_tokens=LONGEST)
    for sample in collect(windowed, engine, source, "2", max_tokens=LONGEST):
        assert [segment.origin for segment in sample.path.segments] == [Origin.PROMPT, Origin.MODEL]
        assert sample.mask()[: sample.start] == [False] * sample.start
        assert all(sample.mask()[sample.start :])


def long_tail(count: int, seed: int) -> list[int]:
    """Response lengths whose longest is ten times the median: most near 40, a tail to 400."""
    rng = random.Random(seed)
    return [min(400, max(10, round(40 * rng.lognormvariate(0.0, 0.8)))) for _ in range(count)]


def test_slots_are_busy_where_synchronous_writing_leaves_them_idle() -> None:
    lengths = long_tail(20_000, 0)
    assert max(lengths) / sorted(lengths)[len(lengths) // 2] == pytest.approx(10, abs=0.5)
    synchronous = simulate(lengths, 128, None).utilisation(128)
    mean_over_max = sum(lengths) / len(lengths) / 400
    assert synchronous == pytest.approx(mean_over_max, abs=0.05)
    by_window = [simulate(lengths, 128, window).utilisation(128) for window in (8, 50, 133)]
    assert by_window == sorted(by_window, reverse=True), "the shorter the window, the less a finished slot waits"
    assert by_window[0] >= 0.9
    assert all(simulate(lengths, 128, window, "window").utilisation(128) >= 0.9 for window in (8, 50, 133, 400))
    assert simulate(lengths, 128, 400).utilisation(128) == pytest.approx(synchronous, abs=1e-9), "a window of the greatest length is PPO"


def test_the_simulation_counts_what_the_pool_counts() -> None:
    lengths = long_tail(3_000, 1)
    for refill in ("update", "window"):
        engine = of_lengths(lambda problem, path: lengths[2 * int(problem[1:]) + int(path.rpartition(".")[2])])
        windowed, source = Windowed(prompts=8, size=2, window=60, refill=refill), Source(numbered)  # type: ignore[arg-type]
        for step in range(1, 8):
            collect(windowed, engine, source, str(step), max_tokens=400, name="r1")
        tokens, steps = windowed.occupancy.tokens, windowed.occupancy.steps
        assert steps == 7 * 60
        expected = simulated_calls(lengths, 16, 60, refill, 7)
        assert tokens == expected
        assert windowed.metrics["utilisation_so_far"] == tokens / (16 * steps)


def simulated_calls(lengths: list[int], slots: int, window: int, refill: str, calls: int) -> int:
    """Tokens of that many calls, counted slot by slot and token by token."""
    total = 0
    for slot in range(slots):
        own = iter(lengths[slot::slots])
        left = 0
        for _ in range(calls):
            for _ in range(window):
                if not left:
                    left = next(own)
                total += 1
                left -= 1
                if not left and refill == "update":
                    break
    return total


def test_occupancy_of_nothing_is_zero_and_a_call_lasts_as_long_as_its_busiest_slot() -> None:
    assert Occupancy().utilisation(4) == 0.0
    assert Occupancy().plus([3, 1]).plus([2, 2]) == Occupancy(8, 5)
    assert Occupancy(8, 5).utilisation(2) == 0.8


def test_a_pool_of_another_size_is_not_resumed() -> None:
    with pytest.raises(DataError, match="2 prompts with 2"):
        Windowed(prompts=3, size=2).load_state_dict(Windowed(prompts=2, size=2).state_dict())


@pytest.mark.parametrize("knobs", [{"prompts": 0}, {"size": 0}, {"window": 0}, {"refill": "never"}])
def test_knobs_out_of_range_are_refused(knobs: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(knobs))):
        Windowed(**knobs)  # type: ignore[arg-type]
