"""Modes of a budget: the same problems, the tag in front and not among what the model wrote."""

from __future__ import annotations

import asyncio

import pytest

from tests.training.small import LAB, engine, sample
from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Origin, Path, Segment
from thinkwell.core.problem import Problem
from thinkwell.training import budget_tags
from thinkwell.training.budget_tags import OPENINGS, measure_modes, opening
from thinkwell.training.sample import Sample
from thinkwell.training.turns import Turn

PROBLEM = Problem("p", "How many?", "7", AnswerKind.INTEGER)


def test_modes_differ_by_what_stands_in_front(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that answers in three tokens under [Easy], else in six and rightly."""

    async def write(writer: object, turns: list[Turn], size: int) -> list[Sample]:
        made = []
        for turn in turns * size:
            easy = turn.opening == "[Easy]"
            text = " a</think>\n\n\\boxed{6}" if easy else ("" if turn.opening else "[Hard]") + " a</think>\n\n\\boxed{7}"
            given = (Segment(turn.opening, Origin.INJECTED, (1,)),) if turn.opening else ()
            base = sample()
            path = Path(
                "0",
                (Segment("<think>\n", Origin.PROMPT, (0,)), *given, Segment(text, Origin.MODEL, (2,) * (3 if easy else 6))),
                base.path.finish,
            )
            made.append(Sample(path, turn.problem, "g"))
        return made

    monkeypatch.setattr(budget_tags, "reply", write)
    by = engine()
    adaptive, easy, hard = asyncio.run(measure_modes(by, LAB, [PROBLEM], n=2))
    assert (adaptive.mode, adaptive.accuracy, adaptive.tokens, adaptive.easy, adaptive.hard) == ("adaptive", 1.0, 6.0, 0.0, 1.0)
    assert (easy.accuracy, easy.tokens, easy.easy, easy.hard) == (0.0, 3.0, 1.0, 0.0)
    assert (hard.accuracy, hard.tokens, hard.hard, hard.samples) == (1.0, 6.0, 1.0, 2)


def test_a_real_model_is_measured_in_every_mode() -> None:
    by = engine()

    async def run() -> None:
        found = await measure_modes(by, LAB, [PROBLEM], n=2, max_tokens=8)
        assert [one.mode for one in found] == list(OPENINGS)
        assert [one.easy for one in found][1] == [one.hard for one in found][2] == 1.0
        assert all(0 < one.tokens <= 8 for one in found)
        await by.aclose()

    asyncio.run(run())


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ConfigError, match="mode"):
        opening("medium")
    with pytest.raises(ConfigError, match="0 problems"):
        asyncio.run(measure_modes(engine(), LAB, []))
