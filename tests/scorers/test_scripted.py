import asyncio

import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.core.path import Origin, Path, Segment
from thinkwell.scorers.scripted import ScriptedScorer


def path(text: str) -> Path:
    return Path("0", (Segment("ask", Origin.PROMPT, (1,)), Segment(text, Origin.MODEL, (2, 3))))


def test_scores_are_a_function_of_the_text_after_the_prompt():
    scorer = ScriptedScorer(lambda text: [0.5] * text.count("\n\n") + [0.9])
    (scores,) = asyncio.run(scorer.score("p", [path("a\n\nb")]))
    assert scores.steps == (0.5, 0.9)
    assert scores.scored_tokens == 3
    assert scorer.calls == [("p", ("0",))]


def test_a_mapping_scores_by_the_first_key_found():
    scorer = ScriptedScorer({"good": 0.9, "bad": (0.8, 0.1)}, name="orm")
    found = asyncio.run(scorer.score("p", [path("good bad"), path("bad"), path("neither")]))
    assert [s.steps for s in found] == [(0.9,), (0.8, 0.1), (0.5,)]


@pytest.mark.parametrize("value", [float("nan"), 1.5, -0.1])
def test_a_score_that_is_no_probability_is_refused(value):
    with pytest.raises(ConfigError, match="from 0 to 1"):
        asyncio.run(ScriptedScorer(lambda text: value).score("p", [path("x")]))
