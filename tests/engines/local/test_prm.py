from __future__ import annotations

import asyncio
from typing import Any

import pytest
import torch
from transformers import Qwen3Config, Qwen3ForTokenClassification

from tests.engines.local.conftest import SIZES, exact, tiny
from thinkwell.core.errors import EngineError, ModelError
from thinkwell.engines.local.prm import TokenScorer

IDS = [5, 9, 200, 17, 31, 8, 300, 44, 45, 46, 12, 13, 77, 78, 6, 2, 90, 91, 92, 93, 94, 95]


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(3)
    return exact(Qwen3ForTokenClassification(Qwen3Config(**SIZES, head_dim=16, num_labels=1)).eval().double())


def plain(model: Any, ids: list[int]) -> list[float]:
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits[0, :, 0].sigmoid().tolist()


def test_scores_are_the_sigmoid_of_the_classifier_at_each_position(model):
    judged = asyncio.run(TokenScorer(model, chunk=6).score([IDS, IDS[:4]], [[3, 9, 21], [3]]))
    expected = plain(model, IDS)
    assert judged[0].scores == pytest.approx([expected[3], expected[9], expected[21]], abs=1e-9)
    assert judged[1].scores == pytest.approx([expected[3]], abs=1e-9)


def test_a_growing_path_and_its_fork_forward_only_new_tokens(model):
    scorer, expected = TokenScorer(model), plain(model, IDS)

    async def story() -> list[Any]:
        first = await scorer.score([IDS[:10]], [[4, 9]], [["p:0"]])
        second = await scorer.score([IDS], [[4, 9, 15, 21]], [["p:0"]])
        fork = await scorer.score([[*IDS[:12], 7, 8]], [[4, 13]], [["p:0.0", "p:0"]])
        again = await scorer.score([IDS], [[9, 21]], [["p:0"]])
        return [*first, *second, *fork, *again]

    first, second, fork, again = asyncio.run(story())
    assert [j.computed for j in (first, second, fork, again)] == [10, 12, 2, 0]
    assert second.scores == pytest.approx([expected[i] for i in (4, 9, 15, 21)], abs=1e-9)
    assert fork.scores == pytest.approx([expected[4], plain(model, [*IDS[:12], 7, 8])[13]], abs=1e-9)
    assert again.scores == pytest.approx([expected[9], expected[21]], abs=1e-9)


def test_a_position_not_scored_before_is_scored_even_if_its_token_was_forwarded(model):
    scorer = TokenScorer(model)

    async def story() -> list[Any]:
        await scorer.score([IDS], [[21]], [["p:0"]])
        return await scorer.score([IDS], [[5, 21]], [["p:0"]])

    assert asyncio.run(story())[0].scores == pytest.approx([plain(model, IDS)[i] for i in (5, 21)], abs=1e-9)


def test_released_paths_are_forwarded_again(model):
    scorer = TokenScorer(model)
    asyncio.run(scorer.score([IDS], [[21]], [["p:0"]]))
    scorer.release(["p:0"])
    assert asyncio.run(scorer.score([IDS], [[21]], [["p:0"]]))[0].computed == 22


def test_many_callers_share_batches(model):
    scorer = TokenScorer(model)

    async def callers() -> list[Any]:
        return await asyncio.gather(*(scorer.score([IDS[: 5 + i]], [[4 + i]]) for i in range(9)))

    expected = plain(model, IDS)
    assert [one[0].scores[0] for one in asyncio.run(callers())] == pytest.approx(expected[4:13], abs=1e-9)


def test_no_positions_need_no_forward(model):
    assert asyncio.run(TokenScorer(model).score([IDS], [[]]))[0].computed == 0


def test_a_position_outside_the_sequence_is_an_error(model):
    with pytest.raises(EngineError, match="22"):
        asyncio.run(TokenScorer(model).score([IDS], [[22]]))


def test_a_language_model_is_no_process_reward_model():
    with pytest.raises(ModelError, match="one label"):
        TokenScorer(tiny("qwen3"))
