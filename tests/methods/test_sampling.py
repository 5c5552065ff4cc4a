"""Whole paths under a token budget: how many there are, worked out by hand from their lengths."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.conftest import PRESET, Ledger, session_of
from thinkwell.core.budget import Budget
from thinkwell.core.path import Finish
from thinkwell.methods._sampling import MOST_PATHS, paths_for, sample


def sampled(script, n, *, kind=Ledger, fill=False, tokens=None, **more):
    async def work():
        session = session_of(script, tokens=tokens, kind=kind)
        return await sample(session, n, fill=fill, **more), session

    return asyncio.run(work())


@pytest.mark.parametrize(("tokens", "paths"), [(None, 16), (1, 1), (14, 1), (16, 2), (100, 10)])
def test_a_budget_pays_for_paths_of_typical_length_and_one_at_least(tokens, paths):
    assert paths_for(Budget(tokens=tokens), PRESET, 16) == paths


def test_without_filling_there_are_as_many_as_asked_for():
    paths, session = sampled({"*": "a b c d"}, 3, tokens=100)
    assert [path.id for path in paths] == ["0", "1", "2"]
    assert session.usage.generated_tokens == 15


def test_a_budget_is_filled_in_waves_by_the_lengths_seen():
    """Five tokens each. A pilot of 3, then 85 / 5 / 1.15 = 14 more, then 15 / 5 / 1.15 = 2, then the one that still fits."""
    paths, session = sampled({"*": "a b c d"}, 10, fill=True, tokens=100)
    assert len(paths) == 20
    assert session.usage.generated_tokens == 100
    assert all(path.complete for path in paths)


def test_no_path_is_begun_that_does_not_fit_at_the_mean():
    """A pilot of one with 5 tokens; 9 are left: one more, then 4, too few."""
    paths, session = sampled({"*": "a b c d"}, 2, fill=True, tokens=14)
    assert (len(paths), session.usage.generated_tokens) == (2, 10)


def test_a_model_that_ends_at_once_is_not_asked_for_ever():
    paths, session = sampled({"*": ""}, 5, fill=True, tokens=1000)
    assert len(paths) == 5 * MOST_PATHS
    assert session.usage.generated_tokens == 20


def test_there_is_nothing_to_fill_without_a_ceiling_on_tokens():
    assert len(sampled({"*": "a"}, 6, fill=True)[0]) == 6


class Recorded(Ledger):
    def samples_of(self, problem):
        return 4


def test_recorded_samples_are_all_there_is():
    assert len(sampled({"*": "a"}, 6, kind=Recorded)[0]) == 4
    assert len(sampled({"*": "a"}, 6, kind=Recorded, fill=True, tokens=100)[0]) == 4


def test_log_probs_are_kept_when_asked_for():
    assert sampled({"*": "a b"}, 1, logprobs=True)[0][0].logprobs() == [-0.5] * 3
    assert sampled({"*": "a b"}, 1)[0][0].logprobs() == []


@given(lengths=st.lists(st.integers(0, 30), min_size=1, max_size=8), n=st.integers(1, 12), tokens=st.integers(1, 200), fill=st.booleans())
def test_whatever_the_lengths_the_budget_holds_and_only_the_last_wave_is_cut(lengths, n, tokens, fill):
    paths, session = sampled(lambda ask: "a" + " a" * lengths[int(ask.path) % len(lengths)], n, fill=fill, tokens=tokens)
    assert session.usage.generated_tokens == session.engine.sampled <= tokens
    assert 1 <= len(paths) <= (MOST_PATHS * n if fill else n)
    cut = [path.finish for path in paths if not path.complete]
    assert set(cut) <= {Finish.BUDGET}
    assert not cut or session.exhausted
