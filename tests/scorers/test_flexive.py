"""The generative verifier as a scorer."""

import asyncio

import pytest

from tests.methods.conftest import PROBLEM, Ledger
from tests.methods.verifier_world import LONG, talker
from thinkwell.core.budget import Budget
from thinkwell.core.errors import ConfigError, UnknownName
from thinkwell.core.method import METHODS
from thinkwell.core.path import Role
from thinkwell.scorers.flexive import FlexiVe
from thinkwell.session import Session


def test_best_of_n_with_the_generative_verifier_as_its_scorer():
    def script(ask):
        if "review" in ask.prompt:
            return "\\boxed{-1}" if "\\boxed{7}" in ask.prompt else "\\boxed{0}"
        return f"</think>\n\n\\boxed{{{3 if ask.path != '2' else 7}}}"

    cls = METHODS.get("best_of_n")
    engine = Ledger(script)
    session = Session(PROBLEM, engine, preset=LONG, budget=Budget(tokens=400), scorers={"flexive": FlexiVe(verify="nothinking@2")})
    method = cls(cls.Config(n_paths=4, scorer="flexive"))
    outcome = asyncio.run(session.run(method))
    assert method.scorers == ("flexive",)
    assert outcome.answer.canonical == "7"
    assert outcome.scores == (0.0, 0.0, 1.0, 0.0)
    assert session.usage.generated[Role.VERIFIER.value] > 0
    assert session.usage.generated_tokens == engine.sampled <= 400
    assert session.usage.scorer_calls == 4


def test_a_verifier_without_tokens_left_gives_no_scores():
    session = Session(PROBLEM, Ledger(talker()), preset=LONG, budget=Budget(tokens=10), scorers={"flexive": FlexiVe()})

    async def run():
        return await session.score(await session.extend(await session.open(1)), "flexive")

    assert asyncio.run(run())[0].steps == ()
    assert session.usage.generated_tokens == 10


def test_the_scorer_refuses_wrong_knobs_and_work_outside_a_session():
    with pytest.raises(UnknownName):
        FlexiVe(votes=3)
    with pytest.raises(ConfigError, match="session"):
        asyncio.run(FlexiVe().score("p", []))
