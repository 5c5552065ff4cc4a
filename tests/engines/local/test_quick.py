"""Steps in compiled code: what they write, draft and learn is what the readable way does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.engines.local.conftest import needs_compiler, request, tiny, write
from thinkwell.core.sampling import GREEDY, Sampling
from thinkwell.decoding.draft_tree import DraftTree, heuristic_tree
from thinkwell.decoding.drafts import Drafting
from thinkwell.decoding.stand import NgramTable, StandDrafter
from thinkwell.engines.local import scheduler
from thinkwell.engines.local.engine import LocalEngine

pytestmark = needs_compiler
PROMPT = [5, 9, 12, 40, 41, 42, 9, 12]


def orders(count: int = 12, **more: Any) -> list[Any]:
    more.setdefault("sampling", Sampling(0.7))
    return [request(str(n), PROMPT[: 3 + n % 3], 40 + n, lineage=(f"p:{n}",), **more) for n in range(count)]


def run(model: Any, tokenizer: Any, make: Callable[[], StandDrafter], rows: int, wanted: list[Any]) -> tuple[Any, ...]:
    engine = LocalEngine(model, tokenizer, rows=rows)
    drafting = Drafting(make, nodes=10)
    done = write(engine, *[replace(order, draft=drafting) for order in wanted])
    tables = [drafter.table for drafter in drafting.drafters if isinstance(drafter, StandDrafter)]
    return [one.tokens for one in done], [one.runs for one in done], drafting.stats, [(table.lookups, table.hits) for table in tables]


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("sampling", [Sampling(0.7), GREEDY], ids=["sampled", "greedy"])
@pytest.mark.parametrize("tree", [None, heuristic_tree(10, 5), DraftTree(((0,), (1,), (0, 0)))], ids=["heuristic", "given", "short"])
def test_the_same_is_written_drafted_and_learnt_as_by_the_readable_way(tree, sampling, rows, tokenizer, monkeypatch):
    model = tiny("qwen3", torch.float32)
    with torch.no_grad():
        model.lm_head.weight.mul_(2)
    taken: list[Any] = []
    real = scheduler.quick_step

    def seen(*args: Any) -> Any:
        taken.append(real(*args))
        return taken[-1]

    def make() -> StandDrafter:
        return StandDrafter(NgramTable(4, 1), tree)

    monkeypatch.setattr(scheduler, "quick_step", seen)
    quick = run(model, tokenizer, make, rows, orders(sampling=sampling))
    assert taken
    assert None not in taken
    monkeypatch.setattr(scheduler, "quick_step", lambda *args: None)
    assert run(model, tokenizer, make, rows, orders(sampling=sampling)) == quick
    assert quick[2].mean_accepted_tokens > 1.05


def test_a_path_that_cannot_be_hurried_takes_the_readable_way(tokenizer, monkeypatch):
    """One that wants log-probs among others: the same texts, with theirs."""
    model = tiny("llama", torch.float32)
    taken: list[Any] = []
    real = scheduler.quick_step
    monkeypatch.setattr(scheduler, "quick_step", lambda *args: taken.append(real(*args)) or taken[-1])
    mixed = [replace(order, logprobs=number == 3) for number, order in enumerate(orders(6))]
    drafting = Drafting(lambda: StandDrafter(), nodes=8)
    done = write(LocalEngine(model, tokenizer), *[replace(order, draft=drafting) for order in mixed])
    assert taken[0] is None
    assert taken[-1] is not None  # when it has left
    assert [one.tokens for one in done] == [one.tokens for one in write(LocalEngine(model, tokenizer), *mixed)]
    assert [one.logprobs is not None for one in done] == [number == 3 for number in range(6)]


def test_stops_within_a_branch_and_short_limits_end_where_plain_decoding_does(tokenizer):
    model = tiny("qwen2", torch.float32)
    plain = orders(8, stop=("a", "the"), ignore_eos=False)
    short = [replace(order, max_tokens=1 + number) for number, order in enumerate(orders(8, sampling=Sampling(0.3)))]
    for wanted in (plain, short):
        drafting = Drafting(StandDrafter, nodes=12)
        drafted = write(LocalEngine(model, tokenizer, rows=3), *[replace(order, draft=drafting) for order in wanted])
        expected = write(LocalEngine(model, tokenizer), *wanted)
        assert [(one.tokens, one.text, one.finish) for one in drafted] == [(one.tokens, one.text, one.finish) for one in expected]
