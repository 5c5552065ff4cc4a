"""The probe on models whose answers are known: cuts keep what they say, and accuracy follows what the thinking holds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.training.small import LAB, engine, tokenizer
from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Finish
from thinkwell.core.problem import Problem
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.engines.protocol import Completion, Request
from thinkwell.tasks.presets import preset
from thinkwell.training.probe import truncation_probe

THINKING = "2 plus 3 is 5.\n\n5 plus 1 is 6.\n\n6 plus 1 is 7.\n\n"
PROBLEM = Problem("p", "What is 2 + 3 + 1 + 1?", "7", AnswerKind.INTEGER)


class Reads(LocalEngine):
    """Thinks the same thing always, and answers with the last number that it sees in its thinking."""

    def __init__(self) -> None:
        small = engine()
        super().__init__(small.module, tokenizer())
        self.prefixes: list[str] = []

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        out = []
        for request in requests:
            text = await self.decode(request.prefix)
            if "</think>" in text:
                self.prefixes.append(text)
                digits = [c for c in text.rpartition("<think>")[2] if c.isdigit()]
                said, finish = (digits[-1] if digits else "0") + ".", Finish.EOS
            else:
                said, finish = THINKING, Finish.STOP
            out.append(Completion(said, await self.encode(said), finish))
        return out


def test_accuracy_follows_what_the_kept_thinking_holds() -> None:
    by = Reads()
    tokens = len(asyncio.run(by.encode(THINKING)))
    short = len(asyncio.run(by.encode("2 plus 3 is 5.\n\n")))
    cuts = asyncio.run(truncation_probe(by, LAB, [PROBLEM], fractions=(0.0, 1.0), budgets=(short, 10_000), n=2))
    assert [cut.accuracy for cut in cuts] == [0.0, 1.0, 0.0, 1.0]
    assert [cut.tokens for cut in cuts] == [0, tokens, short, tokens]
    assert [cut.whole for cut in cuts] == [0.0, 1.0, 0.0, 1.0]
    assert all(cut.samples == 2 for cut in cuts)


def test_the_thinking_is_closed_with_one_blank_line_before_the_mark() -> None:
    by = Reads()
    asyncio.run(truncation_probe(by, LAB, [PROBLEM], fractions=(1.0,), budgets=(3,), n=1))
    whole, cut = by.prefixes
    assert whole.endswith("6 plus 1 is 7.\n\n</think>\n\nThe answer is ")
    assert cut.endswith("\n\n</think>\n\nThe answer is ")
    assert whole.count("</think>") == cut.count("</think>") == 1


def test_another_model_can_read_the_thinking() -> None:
    by, reader = Reads(), Reads()
    cuts = asyncio.run(truncation_probe(by, LAB, [PROBLEM], fractions=(1.0,), n=3, reader=reader))
    assert cuts[0].accuracy == 1.0
    assert len(reader.prefixes) == 3
    assert by.prefixes == []


def test_the_same_probe_gives_the_same_numbers() -> None:
    by = engine()

    async def run() -> None:
        first = await truncation_probe(by, LAB, [PROBLEM], n=2, max_tokens=20, answer_tokens=5)
        again = await truncation_probe(by, LAB, [PROBLEM], n=2, max_tokens=20, answer_tokens=5)
        assert first == again
        await by.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("wrong", [{"fractions": (1.5,)}, {"budgets": (-1,)}, {"n": 0}])
def test_cuts_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError, match="expected"):
        asyncio.run(truncation_probe(engine(), LAB, [PROBLEM], **wrong))


def test_a_model_that_marks_no_thinking_is_refused() -> None:
    with pytest.raises(ConfigError, match="thinking"):
        asyncio.run(truncation_probe(engine(), preset("boxed"), [PROBLEM]))
