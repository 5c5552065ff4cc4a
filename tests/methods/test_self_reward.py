"""What a judgement of an answer is worth: weights and defaults by hand."""

import asyncio

import pytest

from tests.methods.conftest import PROBLEM, session_of
from thinkwell.core.path import Role
from thinkwell.core.problem import Problem
from thinkwell.engines.scripted import Ask
from thinkwell.methods._self_reward import FORMAT_WEIGHT, WEIGHTS, Judgement, judged, right, self_check
from thinkwell.methods.latent_seek import Config
from thinkwell.methods.wording.latent_seek import WORDINGS, Check

QUESTIONS = {check: getattr(WORDINGS["reasoning"], check.value)[:30] for check in Check}


def verifier(verdicts: dict[Check, str], answer: str):
    """Writes `answer` to the question, and of each check what `verdicts` says (else that it passed)."""

    def script(ask: Ask) -> str:
        check = next((check for check, text in QUESTIONS.items() if text in ask.prompt), None)
        return answer if check is None else verdicts.get(check, "Verdict: True")

    return script


def judgement(config: Config, verdicts=None, answer: str = "so \\boxed{7}", problem: Problem = PROBLEM) -> tuple[Judgement, dict[str, int]]:
    async def work():
        session = session_of(verifier(verdicts or {}, answer), problem=problem)
        (path,) = await session.extend(await session.open())
        return await judged(session, problem, path, config), session.usage.generated

    return asyncio.run(work())


def test_four_checks_weigh_six_together():
    assert set(WEIGHTS) == set(Check)
    assert sum(WEIGHTS.values()) == 6


@pytest.mark.parametrize("check", Check)
def test_a_check_that_fails_takes_its_weight_and_one_that_cannot_be_read_too(check):
    assert judgement(Config(), {check: "Verdict: False"})[0] == Judgement(-WEIGHTS[check] / 6)
    assert judgement(Config(), {check: "hm"})[0] == Judgement(-WEIGHTS[check] / 6, 1)


def test_rewards_run_from_nothing_wrong_to_below_minus_one():
    assert judgement(Config())[0] == Judgement(0.0)
    nothing = dict.fromkeys(Check, "hm")
    assert judgement(Config(), nothing, "no idea")[0] == Judgement(-1.0, 4)
    assert judgement(Config(format_check=True), nothing, "no idea")[0] == Judgement(-(6 + FORMAT_WEIGHT) / 6, 4)
    assert judgement(Config(format_check=True), nothing)[0].reward == -1.0  # it has an answer


def test_the_oracle_knows_the_reference_in_any_form_and_asks_nobody():
    for answer, reward in (("so \\boxed{7}", 0.0), ("so \\boxed{07}", 0.0), ("so \\boxed{3}", -1.0), ("no idea", -1.0)):
        found, tokens = judgement(Config(reward="oracle"), answer=answer)
        assert found == Judgement(reward)
        assert tokens[Role.VERIFIER.value] == 0


def test_the_constant_reward_says_nothing_of_the_answer():
    assert judgement(Config(reward="constant"))[0] == judgement(Config(reward="constant"), answer="no idea")[0] == Judgement(-1.0)


def test_checks_are_the_verifiers_and_limited_by_their_own_ceiling():
    async def work():
        session = session_of(verifier({}, "so \\boxed{7}"))
        (path,) = await session.extend(await session.open())
        verdicts = await self_check(session, PROBLEM, path, Config(check_tokens=2))
        assert session.usage.generated[Role.VERIFIER.value] == 4 * 2
        assert list(verdicts) == list(WEIGHTS)
        assert set(verdicts.values()) == {None}  # "Verdict:" is all that fits
        assert right(session, PROBLEM, path)

    asyncio.run(work())
