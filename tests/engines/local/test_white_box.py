from __future__ import annotations

import asyncio

import pytest
import torch

from tests.engines.local.conftest import plain_logits, request, tiny, write
from thinkwell.core.errors import EngineError
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.engines.protocol import Request

PROMPT = [5, 9, 200, 17, 31, 8, 100, 44, 45, 46, 12, 13, 77, 78, 6, 2, 90, 91]


@pytest.mark.parametrize("family", ["qwen3", "mistral"])
def test_a_tree_of_drafts_gives_the_logits_of_each_branch_run_alone(family, tokenizer):
    model = tiny(family)
    tokens, parents = [21, 22, 23, 24, 25, 26, 27], [-1, 0, 0, 2, -1, 4, 3]
    tree = asyncio.run(LocalEngine(model, tokenizer).tree(PROMPT, tokens, parents))
    torch.testing.assert_close(tree.logits[0], plain_logits(model, PROMPT)[-1], atol=1e-9, rtol=0)
    for node in range(len(tokens)):
        branch, at = [], node
        while at >= 0:
            branch.append(tokens[at])
            at = parents[at]
        expected = plain_logits(model, [*PROMPT, *reversed(branch)])[-1]
        torch.testing.assert_close(tree.logits[1 + node], expected, atol=1e-9, rtol=0)


def test_an_accepted_branch_is_kept_and_goes_on_without_recomputation(tokenizer):
    model = tiny("qwen3")
    engine = LocalEngine(model, tokenizer)
    tree = asyncio.run(engine.tree(PROMPT, [21, 22, 23, 24], [-1, -1, 1, 2]))
    tree.commit([1, 2, 3], "p:0")
    ids = [*PROMPT, 22, 23, 24]
    done = write(engine, request("0", [*ids, 30], 10, lineage=("p:0",)))[0]
    assert done.prefill_computed == 1
    assert done.tokens == write(LocalEngine(model, tokenizer), request("0", [*ids, 30], 10))[0].tokens


def test_a_tree_starts_from_the_cache_of_its_path(tokenizer):
    model = tiny("qwen3")
    engine = LocalEngine(model, tokenizer)
    first = write(engine, request("0", PROMPT, 10, lineage=("p:0",)))[0]
    path = [*PROMPT, *first.tokens]
    tree = asyncio.run(engine.tree(path, [3, 4], [-1, 0], lineage=("p:0",)))
    torch.testing.assert_close(tree.logits[2], plain_logits(model, [*path, 3, 4])[-1], atol=1e-9, rtol=0)


def test_a_tree_whose_parents_come_late_is_refused(engine):
    with pytest.raises(ValueError, match="parent"):
        asyncio.run(engine.tree(PROMPT, [3, 4], [1, -1]))
    with pytest.raises(EngineError, match="path"):
        asyncio.run(engine.tree([], [3], [-1]))


def test_peek_gives_the_likeliest_next_tokens_with_their_log_probs(tokenizer):
    model = tiny("qwen2")
    engine = LocalEngine(model, tokenizer)
    short, full = asyncio.run(engine.peek([PROMPT, PROMPT[:3]], top=5)), asyncio.run(engine.peek([PROMPT], top=0))
    expected = plain_logits(model, PROMPT)[-1].log_softmax(-1)
    best = expected.topk(5)
    assert list(short[0]) == best.indices.tolist()
    assert list(short[0].values()) == pytest.approx(best.values.tolist(), abs=1e-9)
    assert len(full[0]) == 320
    assert sum(torch.tensor(list(full[0].values())).exp()) == pytest.approx(1.0)


def test_a_peek_at_a_live_path_does_not_disturb_it(tokenizer):
    model = tiny("qwen3")
    engine = LocalEngine(model, tokenizer)

    async def story() -> tuple[int, ...]:
        first = (await engine.generate([request("0", PROMPT, 8, lineage=("p:0",))]))[0]
        await engine.peek([[*PROMPT, *first.tokens], [*PROMPT, *first.tokens[:4]]])
        rest = (await engine.generate([request("0", [*PROMPT, *first.tokens], 8, lineage=("p:0",))]))[0]
        return first.tokens + rest.tokens

    assert asyncio.run(story()) == write(LocalEngine(model, tokenizer), request("0", PROMPT, 16))[0].tokens


def test_scores_of_an_empty_and_a_single_token_sequence(engine):
    assert asyncio.run(engine.score([[], [5]])) == [[], [0.0]]


def test_rendering_uses_the_chat_template(engine):
    engine.tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}ab{% endif %}"
    rendered = asyncio.run(engine.render([{"role": "user", "content": "the é"}]))
    assert rendered.text == "the é\nab"
    assert asyncio.run(engine.decode(rendered.tokens)) == rendered.text
    assert isinstance(Request.__doc__, str)


@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_the_head_turns_final_states_into_logits(family, tokenizer):
    model = tiny(family)
    engine = LocalEngine(model, tokenizer)
    (states,) = asyncio.run(engine.hidden([PROMPT]))
    weight, bias = engine.head
    torch.testing.assert_close(torch.nn.functional.linear(states[-1], weight, bias), plain_logits(model, PROMPT), atol=1e-9, rtol=0)
