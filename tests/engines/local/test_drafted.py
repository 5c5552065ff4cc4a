"""Drafting in the engine: the text of plain decoding, token for token, whatever is drafted and by whom; and laws that stay what they are under the rules that reject."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.engines.local.conftest import FAMILIES, needs_compiler, request, tiny, write
from thinkwell.core.errors import ConfigError
from thinkwell.core.sampling import GREEDY, Sampling
from thinkwell.decoding.acceptance import Rule
from thinkwell.decoding.draft_tree import heuristic_tree
from thinkwell.decoding.drafts import Draft, Drafting
from thinkwell.decoding.rivals import AdaptiveNgram, PromptLookup, SuffixDecoding, TokenRecycling
from thinkwell.decoding.stand import NgramTable, StandDrafter
from thinkwell.engines.local.engine import LocalEngine

PROMPT = [5, 9, 12, 40, 41, 42, 9, 12]
MAKERS = {
    "stand": StandDrafter,
    "prompt_lookup": PromptLookup,
    "adaptive_ngram": AdaptiveNgram,
    "token_recycling": TokenRecycling,
    "suffix": SuffixDecoding,
}


class Oracle:
    """Knows what each path will write, and lies about every seventh token: branches of all lengths stand."""

    top, draws = 0, False

    def __init__(self, truth: dict[str, Sequence[int]]) -> None:
        self.truth = truth

    def propose(self, path: str, ids: Sequence[int], nodes: int, depth: int, noise: Any) -> Draft:
        ahead = [
            t if (len(ids) + i) % 7 else (t + 1) % 300 for i, t in enumerate(self.truth[path][len(ids) : len(ids) + min(depth, nodes // 2)])
        ]
        tokens: list[int] = []
        parents: list[int] = []
        last = -1
        for token in ahead:  # a decoy first at every level: what stands must move in the cache
            tokens += [(token + 2) % 300, token]
            parents += [last, last]
            last = len(tokens) - 1
        return Draft(tokens, parents)

    def observe(self, contexts: Any, tops: Any) -> None:
        raise AssertionError("it wants to see nothing")


def written(engine: LocalEngine, requests: Sequence[Any]) -> list[tuple[int, ...]]:
    return [done.tokens for done in write(engine, *requests)]


@pytest.mark.parametrize("family", FAMILIES)
def test_accepted_branches_leave_the_cache_as_plain_decoding_does(family: str, tokenizer: Any) -> None:
    model = tiny(family)
    orders = [request(str(n), PROMPT[: 3 + n], 40 - n) for n in range(5)]
    plain = written(LocalEngine(model, tokenizer), orders)
    truth = {order.key.path: [*order.prefix, *tokens] for order, tokens in zip(orders, plain, strict=True)}
    drafting = Drafting(lambda: Oracle(truth), nodes=12)
    drafted = written(LocalEngine(model, tokenizer), [replace(order, draft=drafting) for order in orders])
    assert drafted == plain
    assert drafting.stats.mean_accepted_tokens > 3
    assert drafting.stats.tokens == sum(map(len, plain))


@pytest.fixture(scope="module")
def hundred(tokenizer: Any) -> tuple[Any, list[Any], list[tuple[int, ...]]]:
    """A model, a hundred requests of all temperatures and filters, and what plain decoding writes."""
    model = tiny("qwen3")
    with torch.no_grad():  # surer of itself, so that drafts stand
        model.lm_head.weight.mul_(3)
    kinds = [Sampling(0.7), Sampling(1.0, top_p=0.9), Sampling(0.9, top_k=5), GREEDY, Sampling(0.6, min_p=0.1)]
    orders = [
        request(str(n), PROMPT[: 2 + n % 7], 10 + n % 23, sampling=kinds[n // 20], lineage=(f"p:{n}",), ignore_eos=n % 2 == 0)
        for n in range(100)
    ]
    return model, orders, written(LocalEngine(model, tokenizer, rows=16), orders)


@pytest.mark.parametrize(
    ("maker", "rule"),
    [*((maker, Rule.GUMBEL_COUPLED) for maker in MAKERS), ("stand", Rule.MATCH)],  # without a law to draw from, match is the same rule
)
def test_a_hundred_sequences_are_those_of_plain_decoding(maker: str, rule: Rule, hundred: Any, tokenizer: Any) -> None:
    """Token for token, in float64, in batches that paths join and leave."""
    model, orders, plain = hundred
    drafting = Drafting(MAKERS[maker], rule, nodes=12)
    assert written(LocalEngine(model, tokenizer, rows=16), [replace(order, draft=drafting) for order in orders]) == plain
    assert drafting.stats.mean_accepted_tokens > 1.02
    assert drafting.stats.tokens == sum(map(len, plain))


def test_drafted_and_plain_paths_share_a_batch(tokenizer: Any) -> None:
    model = tiny("llama")
    orders = [request(str(n), PROMPT, 30, sampling=Sampling(0.5), logprobs=True) for n in range(6)]
    plain = write(LocalEngine(model, tokenizer), *orders)
    drafting = Drafting(StandDrafter, nodes=8)
    mixed = write(LocalEngine(model, tokenizer), *[replace(order, draft=drafting if n % 2 else None) for n, order in enumerate(orders)])
    for ours, theirs in zip(mixed, plain, strict=True):
        assert ours.tokens == theirs.tokens
        assert ours.logprobs == pytest.approx(theirs.logprobs, abs=1e-9)
    assert sum(done.steps for done in mixed) < sum(done.steps for done in plain)


def test_stop_strings_stop_tokens_and_lengths_cut_a_branch_where_plain_decoding_ends(tokenizer: Any) -> None:
    model = tiny("qwen3")
    free = write(LocalEngine(model, tokenizer), request("0", PROMPT, 60))[0]
    truth = {"0": [*PROMPT, *free.tokens]}
    for more in (
        {"stop_tokens": (free.tokens[17],)},
        {"stop": (tokenizer.decode([free.tokens[20]]),)},
        {"stop": (tokenizer.decode([free.tokens[20]]),), "include_stop": False},
        {"max_tokens": 23},
        {"stop_tokens": (free.tokens[9],), "min_tokens": 30},
        {"ignore_eos": False, "min_tokens": 11},
    ):
        order = request("0", PROMPT, **{"max_tokens": 60, **more})  # type: ignore[arg-type]
        plain = write(LocalEngine(model, tokenizer), order)[0]
        drafted = write(LocalEngine(model, tokenizer), replace(order, draft=Drafting(lambda: Oracle(truth), nodes=16)))[0]
        assert replace(drafted, steps=plain.steps) == plain, more


def test_a_path_that_goes_on_finds_what_drafting_left_in_the_cache(tokenizer: Any) -> None:
    model = tiny("qwen2")
    whole = write(LocalEngine(model, tokenizer), request("0", PROMPT, 40))[0].tokens
    engine = LocalEngine(model, tokenizer)
    drafting = Drafting(lambda: Oracle({"0": [*PROMPT, *whole]}), nodes=16)
    first = write(engine, request("0", PROMPT, 21, lineage=("p:0",), draft=drafting))[0]
    second = write(engine, request("0", [*PROMPT, *first.tokens], 19, lineage=("p:0",), draft=drafting))[0]
    assert (*first.tokens, *second.tokens) == whole
    assert second.prefill_computed == 1
    assert first.steps < 15


class Recorder:
    """A hook with a memory: it must be called as plain decoding calls it."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, logits_V: torch.Tensor, tokens: Sequence[int]) -> torch.Tensor:
        self.seen.append(tuple(tokens))
        return logits_V.roll(len(self.seen))


def test_hooks_see_the_branch_that_stands_and_nothing_else(tokenizer: Any) -> None:
    model = tiny("qwen3")
    plain_hook, drafted_hook = Recorder(), Recorder()
    plain = write(LocalEngine(model, tokenizer), request("0", PROMPT, 25, hook=plain_hook, min_tokens=3))[0]
    drafting = Drafting(lambda: Oracle({"0": [*PROMPT, *plain.tokens]}), nodes=10)
    drafted = write(LocalEngine(model, tokenizer), request("0", PROMPT, 25, hook=drafted_hook, min_tokens=3, draft=drafting))[0]
    assert drafted.tokens == plain.tokens
    assert drafted_hook.seen == plain_hook.seen
    assert drafting.stats.mean_accepted_tokens > 2


def test_a_hook_that_fails_ends_its_own_path_only(tokenizer: Any) -> None:
    def broken(logits_V: torch.Tensor, tokens: Sequence[int]) -> torch.Tensor:
        raise RuntimeError("no")

    engine = LocalEngine(tiny("qwen3"), tokenizer)

    async def both() -> list[Any]:
        drafting = Drafting(StandDrafter, nodes=4)
        orders = [request("0", PROMPT, 9, draft=drafting), request("1", PROMPT, 9, draft=drafting, hook=broken)]
        return await asyncio.gather(*(engine.generate([order]) for order in orders), return_exceptions=True)

    good, bad = asyncio.run(both())
    assert len(good[0].tokens) == 9
    assert isinstance(bad, RuntimeError)


def test_a_drafter_of_candidates_is_refused_by_rules_that_reject(tokenizer: Any) -> None:
    drafting = Drafting(PromptLookup, Rule.REJECTION)
    with pytest.raises(ConfigError, match="gumbel_coupled"):
        write(LocalEngine(tiny("qwen3"), tokenizer), request("0", PROMPT, 5, draft=drafting))


@pytest.mark.parametrize("rule", [Rule.CHAIN, Rule.WITH_REPLACEMENT, Rule.REJECTION])
def test_rules_that_reject_keep_the_law_of_two_tokens(rule: Rule, tokenizer: Any) -> None:
    """Pairs of tokens of 2000 paths against the model's exact law, by chi-square over the pairs that are common enough."""
    model = tiny("qwen3", torch.float32)
    sampling = Sampling(0.8, top_k=3)
    count = 2000
    drafting = Drafting(lambda: StandDrafter(NgramTable(2, 1), heuristic_tree(6, 3)), rule, nodes=6)
    engine = LocalEngine(model, tokenizer, rows=64)
    seen = Counter(
        tokens for tokens in written(engine, [request(str(n), PROMPT, 2, sampling=sampling, draft=drafting) for n in range(count)])
    )
    expected: dict[tuple[int, ...], float] = {}
    for a, pa in top_law(engine, PROMPT, sampling).items():
        for b, pb in top_law(engine, [*PROMPT, a], sampling).items():
            expected[a, b] = count * pa * pb
    assert set(seen) <= set(expected)
    common = [pair for pair, mean in expected.items() if mean > 5]
    chi2 = sum((seen[pair] - expected[pair]) ** 2 / expected[pair] for pair in common)
    assert drafting.stats.mean_accepted_tokens > 1.1
    assert chi2 < 26.1 + 2  # 0.999 at 8 degrees of freedom


def top_law(engine: LocalEngine, ids: Sequence[int], sampling: Sampling) -> dict[int, float]:
    best = asyncio.run(engine.peek([ids], top=sampling.top_k))[0]
    ids_, logp = list(best), torch.tensor(list(best.values()), dtype=torch.float64)
    return dict(zip(ids_, (logp / sampling.temperature).softmax(-1).tolist(), strict=True))


@needs_compiler
def test_native_and_torch_forests_agree(tokenizer: Any) -> None:
    from thinkwell.engines.local.cache import Slots
    from thinkwell.engines.local.forest import Grown, forest_hidden
    from thinkwell.engines.local.model import Decoder

    for family in FAMILIES:
        decoder = Decoder(tiny(family, torch.float32))
        assert decoder.native is not None
        shape, rng = decoder.shape, random.Random(3)
        trees = []
        for _ in range(4):
            size = rng.randrange(1, 12)
            trees.append(
                Grown(rng.randrange(5, 40), [rng.randrange(300) for _ in range(size)], [-1, *(rng.randrange(n) for n in range(1, size))])
            )
        results = []
        for native in (decoder.native, None):
            decoder.native = native
            torch.manual_seed(1)
            slots = Slots(shape.layers, shape.kv_heads, shape.head_dim, decoder.dtype, decoder.device, 4, 64)
            slots.data.normal_()
            forest = forest_hidden(decoder, slots, trees)
            results.append(
                torch.cat([forest.hidden_MH[first : first + len(tree.tokens)] for first, tree in zip(forest.first, trees, strict=True)])
            )
        torch.testing.assert_close(results[0], results[1], atol=2e-4, rtol=1e-3)


@needs_compiler
@pytest.mark.parametrize("temperature", [0.7, 0.0])
def test_the_compiled_table_drafts_what_the_readable_one_does(temperature: float, tokenizer: Any) -> None:
    """Same tree, same noise, same table: the same nodes, step by step, up to the last bits of averages."""
    model = tiny("qwen3", torch.float32)
    with torch.no_grad():
        model.lm_head.weight.mul_(2)
    orders = [request(str(n), PROMPT[: 3 + n % 3], 40, sampling=Sampling(temperature), lineage=(f"p:{n}",)) for n in range(12)]
    figures = []
    for compiled in (True, False):
        engine = LocalEngine(model, tokenizer, rows=1)
        assert engine.scheduler.tables is not None
        if not compiled:
            engine.scheduler.tables = None
        drafting = Drafting(lambda: StandDrafter(NgramTable(4, 1), heuristic_tree(10, 5)), nodes=10)
        texts = written(engine, [replace(order, draft=drafting) for order in orders])
        figures.append((texts, drafting.stats.target_calls, drafting.stats.proposed, drafting.stats.by_slot))
    assert figures[0] == figures[1]
    assert figures[0][1] < 12 * 40


def test_where_the_engine_chooses_the_text_stays_the_same(tokenizer: Any) -> None:
    model = tiny("llama", torch.float32)
    orders = [request(str(n), PROMPT[: 3 + n % 3], 40, sampling=Sampling(0.5), lineage=(f"p:{n}",)) for n in range(12)]
    plain = written(LocalEngine(model, tokenizer), orders)
    for rows in (1, 3, 12):
        drafting = Drafting(StandDrafter)
        assert written(LocalEngine(model, tokenizer, rows=rows), [replace(order, draft=drafting) for order in orders]) == plain
        assert drafting.stats.tokens == sum(map(len, plain))


def test_a_node_pays_where_its_chance_is_above_the_price_of_its_token() -> None:
    from thinkwell.engines.local.model import Decoder
    from thinkwell.engines.local.widths import HOST, Widths

    widths = Widths(Decoder(tiny("qwen3")))
    widths.costs = [(1, 1e-3), (11, 2e-3), (101, 21e-3)]  # a tenth of a millisecond a token, then more than two
    assert widths.cost(6) == pytest.approx(1.5e-3)
    assert widths.slope(50) == pytest.approx(19e-3 / 90)
    widths.learn(1, 3, 5)
    assert widths.slope(6) == pytest.approx(0.8 * 20e-3 / 100)  # less than that between two sizes would be noise
    assert widths.worth(1) == pytest.approx(0.16e-3 * 3 / (1.5e-3 + HOST))
    assert widths.drafts(1)
    assert not widths.drafts(20)  # every token costs its full share
    assert 0 < widths.nodes(1) < 64


def test_drafts_pay_where_what_will_stand_is_worth_their_forward() -> None:
    from thinkwell.engines.local.model import Decoder
    from thinkwell.engines.local.widths import HOST, PLAIN_HOST, Widths

    widths = Widths(Decoder(tiny("qwen3")))
    widths.costs, widths.one = [(1, 1e-3), (11, 2e-3), (101, 21e-3)], 0.8e-3
    assert widths.plain(1) == pytest.approx(0.8e-3)
    assert widths.plain(6) == pytest.approx(1.3e-3)
    needed = (2e-3 + HOST) / (0.8e-3 + PLAIN_HOST) - 1  # tokens beside its own that a path must write in a forward of eleven
    assert not widths.pays(1, 11, 0.95 * needed)
    assert widths.pays(1, 11, 1.05 * needed)
    assert not widths.pays(1, 2, 0.0)


@needs_compiler
def test_a_drafter_that_hoped_too_much_is_trusted_less_until_it_has_rested() -> None:
    from thinkwell.engines.local.native import load_native
    from thinkwell.engines.local.tables import Twin

    native = load_native()
    assert native is not None
    twin = Twin(native, StandDrafter())
    fresh = twin.trust
    for _ in range(10):
        twin.compare(5.0, 1)
    low = twin.trust
    assert low < fresh
    for _ in range(60):
        twin.compare(0.0, 0)
    assert low < twin.trust == pytest.approx(fresh, abs=0.01)
    for _ in range(10):
        twin.compare(5.0, 5)
    assert twin.trust > 0.9
