"""What a request says of how it was written: the steps that wrote several tokens, and where their text stands."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from tests.engines.local.conftest import request, tiny, write
from tests.engines.local.test_drafted import PROMPT, Oracle
from thinkwell.decoding.drafts import Drafting
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.engines.local.run import Run, accepted
from thinkwell.engines.local.text import Vocabulary
from thinkwell.engines.protocol import join_runs


@pytest.mark.parametrize("more", [{}, {"max_tokens": 23}, {"ignore_eos": False}])
def test_every_step_that_wrote_several_tokens_is_told_with_its_text(more: dict[str, Any], tokenizer: Any) -> None:
    model = tiny("qwen3")
    order = request("0", PROMPT, **{"max_tokens": 60, **more})
    plain = write(LocalEngine(model, tokenizer), order)[0]
    assert plain.runs == ()
    drafting = Drafting(lambda: Oracle({"0": [*PROMPT, *plain.tokens]}), nodes=16)
    drafted = write(LocalEngine(model, tokenizer), replace(order, draft=drafting))[0]
    sampled, calls, runs = join_runs([drafted])
    assert (sampled, calls) == (drafting.stats.tokens, drafting.stats.target_calls)
    assert calls < sampled == len(plain.tokens)
    assert all(run.n_tokens > 1 for run in runs)
    for one, next_one in pairwise(runs):  # in order and apart
        assert one.token + one.n_tokens <= next_one.token
        assert one.character + one.n_characters <= next_one.character
    assert runs[-1].token + runs[-1].n_tokens <= sampled
    assert runs[-1].character + runs[-1].n_characters <= len(drafted.text)


def test_the_characters_of_a_run_are_those_its_tokens_add_to_the_text(tokenizer: Any) -> None:
    """A character that two steps wrote together belongs to the second, which made it whole."""
    vocabulary = Vocabulary(tokenizer, 320)
    text = "a b€c déf"
    before, ids = tokenizer.encode("x "), tokenizer.encode(text)
    assert len(ids) == 11  # the euro sign is three bytes
    assert vocabulary.added(before, ids) == text
    run = Run(request("0", before), None, [*before, *ids], len(before), 99, frozenset(), None, (0, 0, 0, 0))  # type: ignore[arg-type]
    run.runs = [(0, 2), (2, 3), (5, 2), (9, 9)]  # the second ends within the euro sign, the last one would go on beyond the text
    assert accepted(run, vocabulary, len(text)) == ((0, 2, 0, 2), (2, 3, 2, 1), (5, 2, 3, 2), (9, 2, 7, 2))


def test_a_run_that_ends_in_a_dropped_stop_string_ends_with_the_text_that_is_kept(tokenizer: Any) -> None:
    model = tiny("qwen3")
    free = write(LocalEngine(model, tokenizer), request("0", PROMPT, 60))[0]
    drafting = Drafting(lambda: Oracle({"0": [*PROMPT, *free.tokens]}), nodes=16)
    stop = tokenizer.decode([free.tokens[20]])
    order = request("0", PROMPT, max_tokens=60, stop=(stop,), include_stop=False, draft=drafting)
    drafted = write(LocalEngine(model, tokenizer), order)[0]
    assert drafted.dropped > 0
    sampled, calls, runs = join_runs([drafted])
    assert (sampled, calls) == (drafting.stats.tokens, drafting.stats.target_calls)
    assert max(run.character + run.n_characters for run in runs) <= len(drafted.text)


def test_runs_of_completions_in_a_row_are_counted_on(tokenizer: Any) -> None:
    model = tiny("qwen3")
    free = write(LocalEngine(model, tokenizer), request("0", PROMPT, 60))[0]
    drafting = Drafting(lambda: Oracle({"0": [*PROMPT, *free.tokens]}), nodes=16)
    engine = LocalEngine(model, tokenizer)
    first = write(engine, request("0", PROMPT, 21, draft=drafting))[0]
    second = write(engine, request("0", [*PROMPT, *first.tokens], 30, draft=drafting))[0]
    sampled, calls, runs = join_runs([first, second])
    assert (sampled, calls) == (51, drafting.stats.target_calls)
    assert runs[len(first.runs)].token == 21 + second.runs[0].token
    assert runs[len(first.runs)].character == len(first.text) + second.runs[0].character
