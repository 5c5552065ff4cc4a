"""The bias that follows the position: its wave, where it stops, what it costs to follow, and the way to a server and back."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.decoding.token_bias import PREFIX, Bias, Clock, Rate, Schedule, TokenBias, rates, unwire, wire

WAIT, BUT, END = 7, 8, 9


def test_the_wave_has_the_papers_values():
    """delta(0) = 0, delta(C/4) = A, delta(C/2) = 0, delta(3C/4) = -A."""
    wave = Bias(amplitude=5, period=600)
    assert [wave.at(t) for t in (0, 150, 300, 450, 600, 750)] == [0, 5, 0, -5, 0, 5]
    assert [wave.at(t) for t in (75, 225, 375, 525)] == [2.5, 2.5, -2.5, -2.5]


@given(t=st.integers(0, 10**5), quarter=st.integers(1, 500), amplitude=st.floats(0.1, 20))
def test_the_pieces_equal_the_closed_formula(t, quarter, amplitude):
    """A |4 ((t - C/4) mod C) / C - 2| - A, where mod binds before the division."""
    period = 4 * quarter
    closed = amplitude * abs(4 * ((t - period / 4) % period) / period - 2) - amplitude
    assert Bias(amplitude=amplitude, period=period).at(t) == pytest.approx(closed, abs=1e-9)


@pytest.mark.parametrize("schedule", ["triangular", "sine"])
def test_a_wave_adds_up_to_nothing_over_a_period(schedule):
    wave = Bias(Schedule(schedule), amplitude=3, period=100)
    assert math.fsum(wave.at(t) for t in range(100)) == pytest.approx(0, abs=1e-9)
    assert max(wave.at(t) for t in range(100)) == pytest.approx(3)


def test_the_phase_is_a_share_of_the_period():
    assert Bias(amplitude=5, period=600, phase=0.25).at(0) == 5
    assert Bias(amplitude=5, period=600, phase=0.75).at(0) == -5
    assert Bias(amplitude=5, period=600, phase=0.5).at(150) == -5


def test_the_controls():
    assert {Bias(Schedule.CONSTANT, -3).at(t) for t in (0, 10, 10**6)} == {-3}
    falling = Bias(Schedule.LINEAR, 4, horizon=100)
    assert [falling.at(t) for t in (0, 25, 50, 100, 500)] == [4, 2, 0, -4, -4]
    noise = [Bias(Schedule.NOISE, 2, seed=1).at(t) for t in range(400)]
    assert all(-2 <= value <= 2 for value in noise)
    assert abs(math.fsum(noise) / 400) < 0.2  # sd of the mean is 2 / sqrt(3 * 400) = 0.058
    assert noise == [Bias(Schedule.NOISE, 2, seed=1).at(t) for t in range(400)]
    assert noise != [Bias(Schedule.NOISE, 2, seed=2).at(t) for t in range(400)]


def test_outside_its_windows_there_is_no_bias():
    bias = Bias(Schedule.CONSTANT, -3, windows=((0, 2), (5, 6)))
    assert [bias.at(t) for t in range(7)] == [-3, -3, 0, 0, 0, -3, 0]


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"period": 0}, "period 0"), ({"horizon": 0}, "horizon 0"), ({"phase": 1.0}, "phase 1.0"), ({"phase": -0.1}, "phase"),
        ({"amplitude": math.nan}, "amplitude nan"), ({"windows": ((5, 5),)}, r"window \(5, 5\)"), ({"windows": ((-1, 5),)}, "window"),
    ],
)  # fmt: skip
def test_a_bias_that_cannot_be_is_refused(knobs, said):
    with pytest.raises(ConfigError, match=said):
        Bias(**knobs)


def hook(**more):
    return TokenBias([WAIT, BUT], Bias(**{"amplitude": 4, "period": 8, **more.pop("bias", {})}), **more)


def test_only_the_marked_tokens_change_and_the_callers_logits_stay():
    logits = np.zeros(12)
    changed = hook(start=3)(logits, [1, 2, 3, 4, 5])  # t = 2: a quarter of the period
    assert changed[[WAIT, BUT]].tolist() == [4, 4]
    assert np.delete(changed, [WAIT, BUT]).tolist() == [0] * 10
    assert not logits.any()
    assert hook(start=3)(logits, [1, 2, 3]) is logits  # t = 0: nothing to add


def test_torch_logits_too():
    import torch

    changed = hook()(torch.zeros(12), [1, 2])
    assert changed.tolist() == [0] * 7 + [4, 4] + [0] * 3


def test_the_position_is_the_paths_not_the_calls():
    """The prompt does not count, and a pause does not restart the wave."""
    whole = [0, 0, *range(20, 32)]
    bias, other = hook(start=2), hook(start=2)
    growing = whole[:2]
    straight = []
    for token in whole[2:]:
        straight.append(bias.read(growing))
        growing.append(token)
    paused = [other.read(list(whole[:n])) for n in range(2, len(whole))]
    assert straight == paused == [Bias(amplitude=4, period=8).at(t) for t in range(12)]


def test_once_the_thinking_is_closed_nothing_is_added():
    bias = hook(ends=[[END]])
    assert bias.read([1, 2]) == 4
    assert bias.read([1, END]) == 0
    assert bias.read([END, 1, 1, 1, 1, 1, 2]) == 0
    assert hook(ends=[[END]], start=1).read([END, 1, 2]) == 4  # the prompt's own does not count


def test_an_end_of_several_tokens_is_found_whole_only():
    bias = hook(ends=[[1, 2, 3], [4, 5]])
    assert bias.read([1, 2]) == 4
    assert [bool(bias.read(tokens)) for tokens in ([1, 2, 3], [0, 1, 2, 3, 0, 0], [4, 4, 5], [2, 3], [1, 2, 1, 3, 5, 4])] == [0, 0, 0, 1, 1]


def test_by_the_clock_of_thoughts_each_thought_has_its_penalty():
    """TIP: -3 for the first 2 tokens of each thought; a thought starts with its marker."""
    bias = TokenBias([WAIT], Bias(Schedule.CONSTANT, -3, windows=((0, 2),)), clock=Clock.THOUGHT)
    path = [1, 1, 1, WAIT, 1, 1, WAIT, WAIT, 1]
    assert [bias.read(path[:n]) for n in range(len(path) + 1)] == [-3, -3, 0, 0, -3, 0, 0, -3, -3, 0]


class Counting(list):
    looks = 0

    def __getitem__(self, place):
        Counting.looks += 1
        return super().__getitem__(place)


@pytest.mark.parametrize("path", [[1] * 3000, [END, *[1] * 2999]])
def test_following_a_path_looks_at_each_token_a_few_times(path):
    """Not at all of them for every token, which would be 4.5 million looks; open or closed."""
    bias, tokens = hook(ends=[[END]]), Counting()
    Counting.looks = 0
    for token in path:
        bias.read(tokens)
        tokens.append(token)
    assert Counting.looks <= 3 * len(path)


@given(st.lists(st.tuples(st.integers(0, 3), st.lists(st.sampled_from([1, WAIT, END, 2]), max_size=4)), max_size=12))
def test_going_back_and_taking_another_branch_reads_it_anew(moves):
    """The same list, cut and grown as a tree search does: the answer is that of a fresh reading."""
    bias, tokens = hook(ends=[[END, 2]], clock=Clock.THOUGHT), []
    for cut, added in moves:
        del tokens[len(tokens) - min(cut, len(tokens)) :]
        for token in added:
            tokens.append(token)
            assert bias.read(tokens) == hook(ends=[[END, 2]], clock=Clock.THOUGHT).read(tuple(tokens))


def test_rates_by_the_sign_of_the_bias():
    bias = TokenBias([WAIT], Bias(amplitude=1, period=8), ends=[[END]])
    #       t: 0 off, 1-3 up, 4 off, 5-7 down, 8 off, 9 up (closes), then off
    path = [1, WAIT, 1, WAIT, WAIT, 1, WAIT, 1, 1, END, WAIT, 1]
    everything = rates(bias, path, [True] * 12)
    assert everything == {"up": Rate(2, 4), "down": Rate(1, 3), "off": Rate(2, 5)}
    spliced = rates(bias, path, [True, False, *[True] * 10])
    assert spliced["up"] == Rate(1, 3)


def test_ids_that_cannot_be_are_refused():
    for ids in ((), (-1, 3)):
        with pytest.raises(ConfigError, match="at least one token id"):
            TokenBias(ids, Bias())


@given(
    schedule=st.sampled_from(Schedule), amplitude=st.floats(-9, 9), period=st.integers(1, 50), phase=st.floats(0, 0.99),
    windows=st.lists(st.integers(0, 9).flatmap(lambda s: st.tuples(st.just(s), st.integers(s + 1, 40))), max_size=2),
    clock=st.sampled_from(Clock), path=st.lists(st.sampled_from([1, 2, WAIT, BUT, END]), max_size=30), cut=st.integers(0, 30),
)  # fmt: skip
def test_what_a_server_unwires_is_the_same_bias_at_every_place(schedule, amplitude, period, phase, windows, clock, path, cut):
    prompt = [1, 2, END]
    bias = TokenBias([WAIT, BUT], Bias(schedule, amplitude, period, phase, tuple(windows), 20, 5), len(prompt), [[END], [2, 2]], clock)
    whole, cut = [*prompt, *path], len(prompt) + min(cut, len(path))
    sent = json.loads(json.dumps(wire(bias, cut)))
    assert all(name.startswith(PREFIX) for name in sent)
    theirs = unwire({**sent, "other": 1}, cut)
    assert [theirs.read(whole[:n]) for n in range(cut, len(whole) + 1)] == [bias.read(whole[:n]) for n in range(cut, len(whole) + 1)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"idz": [1]}, "unknown parameter thinkwell_bias_idz"),
        ({"amplitude": 3}, "ids is missing"),
        ({"ids": ["x"]}, "does not fit"),
        ({"ids": 3}, "does not fit"),
        ({"ids": [1], "schedule": "square"}, "square"),
        ({"ids": [1], "windows": [1, 2, 3]}, "does not fit"),
        ({"ids": [1], "period": 0}, "period 0"),
        ({"ids": [1], "written": 9}, "written=9"),
        ({"ids": []}, "at least one token id"),
    ],
)
def test_parameters_of_a_stranger_are_checked(given, said):
    with pytest.raises(ConfigError, match=said):
        unwire({PREFIX + name: value for name, value in given.items()}, 5)


def test_a_request_without_our_parameters_has_no_bias():
    assert unwire(None) is None
    assert unwire({"kv_transfer_params": 1}) is None
