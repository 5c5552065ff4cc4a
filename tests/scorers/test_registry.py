"""Scorers by name."""

import asyncio

import pytest

from thinkwell.core.errors import ConfigError, UnknownName
from thinkwell.core.path import Finish, Origin, Path, Segment
from thinkwell.engines.scripted import ScriptedEngine
from thinkwell.scorers.flexive import FlexiVe
from thinkwell.scorers.outcome import OutcomeScorer
from thinkwell.scorers.protocol import WritingScorer, check
from thinkwell.scorers.recorded import RecordedScorer
from thinkwell.scorers.registry import SCORERS, load_scorer

PATH = Path("0", (Segment("ask", Origin.PROMPT, n_tokens=1), Segment("one. two.", Origin.MODEL, n_tokens=2)), Finish.EOS)


class Recorded(ScriptedEngine):
    """Knows two judgements of every path: of "one." and of "two."."""

    def recorded_scores(self, problem, path, text):
        return (0.25, 0.75)[: text.count(".")]


def test_the_names_that_methods_may_ask_for():
    assert set(SCORERS.names()) >= {"prm", "orm", "flexive"}
    with pytest.raises(UnknownName, match="did you mean 'prm'"):
        load_scorer("pmr")


def test_an_engine_that_knows_recorded_judgements_gives_them():
    engine = Recorded({"*": ""})
    steps, last = load_scorer("prm", engine), load_scorer("orm", engine)
    assert isinstance(steps, RecordedScorer)
    assert isinstance(last, OutcomeScorer)
    assert [scores.steps for scores in asyncio.run(steps.score("p", [PATH]))] == [(0.25, 0.75)]
    assert [scores.steps for scores in asyncio.run(last.score("p", [PATH]))] == [(0.75,)]  # one score a path


def test_recorded_judgements_need_an_engine_that_has_them_and_must_be_probabilities():
    with pytest.raises(ConfigError, match="need the replay engine"):
        RecordedScorer(ScriptedEngine({"*": ""}))
    with pytest.raises(ConfigError, match=r"'prm' gave 1\.5"):
        check([0.5, 1.5], "prm")


def test_a_generative_verifier_takes_its_knobs_as_options():
    judge = load_scorer("flexive", verify="flex@8")
    assert isinstance(judge, FlexiVe)
    assert isinstance(judge, WritingScorer)
    assert judge.knobs.k == 8
    assert load_scorer("flexive", verify="flex@4", threshold=0.9).fingerprint != load_scorer("flexive", verify="flex@4").fingerprint
