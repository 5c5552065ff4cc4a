"""A team of agents, round by round: the order of its turns, when it stops, and what it may cost. How its agents are asked and read is in `test_team.py`."""

import pytest

from tests.methods.team_world import CHAT, GO, LAB, cast, team
from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError, MissingCapability
from thinkwell.core.method import METHODS, require
from thinkwell.core.path import Role
from thinkwell.engines.scripted import Ask, Reply


def test_a_round_goes_from_ceo_to_evaluator_and_mends_the_solution(play):
    script = cast(critic=["It is 7. [Disagree]", "[Agree]"])
    run = team(play, script)
    assert script.order == ["ceo", "recruiter", "solver", "critic", "again", "critic", "evaluator"]
    assert run.answer == "7"
    assert run.texts == ["so \\boxed{3}", "then \\boxed{7}"]
    facts = run.outcome.facts
    assert facts["stop"] == "evaluator"
    (only,) = facts["rounds"]
    assert only["experts"] == ("an algebraist", "a proof reader")
    assert only["votes"] == [[False], [True]]
    assert (only["answers"], only["consensus"], only["correct"]) == (["3", "7"], True, True)
    assert set(facts["parse_failures"].values()) == {0}


def test_tokens_are_counted_by_role(play):
    run = team(play, cast(critic=["It is 7. [Disagree]", "[Agree]"]))
    by_role = {role: count for role, count in run.usage.generated.items() if count}
    assert set(by_role) == {"ceo", "recruiter", "solver", "critic", "evaluator"}
    assert sum(by_role.values()) == run.engine.sampled


def test_reviews_end_after_max_inner_turns_with_the_last_solution_unreviewed(play):
    script = cast()
    run = team(play, script, max_inner_turns=2, evaluator=True)
    assert script.order == ["ceo", "recruiter", "solver", "critic", "again", "critic", "again", "evaluator"]
    assert run.outcome.facts["rounds"][0]["consensus"] is False


def test_advice_of_a_failed_round_reaches_ceo_and_experts_of_the_next(play):
    script = cast(evaluator=["Correctness: 0\nAdvice: count the boxes\nRecruiting: a grocer", "Correctness: 1"], critic="[Agree]")
    run = team(play, script)
    assert script.order == ["ceo", "recruiter", "solver", "critic", "evaluator", "ceo", "recruiter", "again", "critic", "evaluator"]
    assert "<advice>\ncount the boxes\n</advice>" in script.prompts("ceo")[1]
    assert "Team and tokens of the last round: 2 experts, 320 tokens" in script.prompts("ceo")[1]
    assert "a grocer" in script.prompts("recruiter")[1]
    assert '<message from="Evaluator">\ncount the boxes\n</message>' in script.prompts("again")[0]
    assert "count the boxes" not in script.prompts("critic")[1]  # critics come fresh into a round
    assert run.answer == "7"


def test_the_last_round_ends_the_work_whatever_the_evaluator_says(play):
    run = team(play, cast(evaluator="Correctness: 0\nAdvice: no", critic="[Agree]"), max_turns=3)
    assert run.outcome.facts["stop"] == "max_turns"
    assert len(run.outcome.facts["rounds"]) == 3
    assert run.answer == "7"


# ---- the CEO ----------------------------------------------------------------------------------------------------------------


def stopping(**more):
    return cast(
        ceo=[GO.format(n=2, direction="x", tokens=320), "Decision: Stop"], evaluator="Correctness: 0\nAdvice: no", critic="[Agree]", **more
    )


def test_the_ceo_can_stop_the_work(play):
    run = team(play, stopping(), max_turns=4)
    assert run.outcome.facts["stop"] == "ceo"
    assert len(run.outcome.facts["rounds"]) == 1
    assert run.answer == "3"


def test_a_ceo_that_may_not_stop_is_noted(play):
    run = team(play, stopping(), max_turns=3, ceo_can_stop=False)
    assert run.outcome.facts["stop"] == "max_turns"
    assert run.outcome.facts["ignored_stops"] == 2


def test_a_stop_before_anything_was_solved_is_not_obeyed(play):
    run = team(play, cast(ceo="Decision: Stop"), max_turns=1)
    assert run.outcome.facts["ignored_stops"] == 1
    assert run.answer == "7"


def test_without_a_ceo_the_team_is_the_configured_one(play):
    script = cast()
    run = team(play, script, ceo=False, n_experts=3)
    assert "ceo" not in script.order
    assert len(run.outcome.facts["rounds"][0]["experts"]) == 3
    assert run.outcome.facts["rounds"][0]["max_tokens"] == 320


def test_a_last_solution_that_was_cut_gives_way_to_the_last_with_an_answer(play):
    run = team(play, cast(again=Reply("on and on", eos=False)), max_inner_turns=1, max_turns=1)
    assert run.outcome.facts["fell_back"] is True
    assert run.answer == "3"
    assert run.outcome.chosen is run.outcome.paths[0]


# ---- knobs ------------------------------------------------------------------------------------------------------------------


def test_without_an_evaluator_consensus_is_accepted(play):
    script = cast(critic="[Agree]")
    run = team(play, script, evaluator=False)
    assert "evaluator" not in script.order
    assert run.outcome.facts["stop"] == "consensus"
    run = team(play, cast(), evaluator=False, max_turns=2, max_inner_turns=1)
    assert run.outcome.facts["stop"] == "max_turns"


@pytest.mark.parametrize(
    "knobs", [{"max_turns": 0}, {"max_experts": 1}, {"agree_by": "vote"}, {"executor": "code"}, {"token_choices": [0]}]
)
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError, match="multi_agent"):
        METHODS.get("multi_agent").Config.parse(knobs, "multi_agent")


def test_recorded_samples_cannot_play_a_team():
    with pytest.raises(MissingCapability, match="fresh_samples"):
        require(METHODS.get("multi_agent"), "replay", frozenset({Capability.RESUME_OWN}), [])


# ---- budgets ----------------------------------------------------------------------------------------------------------------


def test_fit_sizes_rounds_and_drops_planning_from_small_budgets():
    cls = METHODS.get("multi_agent")
    small = cls().fit(Budget(tokens=150), CHAT).config
    assert (small.max_turns, small.ceo, small.recruiter) == (1, False, False)
    assert cls().fit(Budget(tokens=40 * 4 * 3), CHAT).config.max_turns == 3
    assert cls().fit(Budget(tokens=10**6), CHAT).config.max_turns == 8
    assert cls(cls.Config(ceo=True, max_turns=5)).fit(Budget(tokens=150), CHAT).config.max_turns == 5
    assert cls(cls.Config(ceo=False)).fit(Budget(tokens=10**6), CHAT).config.ceo is False
    assert cls().fit(Budget(), CHAT).config == cls.Config()


def test_a_round_is_not_begun_without_tokens_for_a_solution(play):
    run = team(
        play,
        cast(solver=" a" * 60 + " \\boxed{3}", again=" a" * 60 + " \\boxed{3}", evaluator="Correctness: 0", critic="[Agree]"),
        budget=Budget(tokens=180),
        max_turns=5,
        ceo=False,
        recruiter=False,
    )
    assert run.outcome.facts["stop"] == "budget"
    assert run.usage.generated_tokens <= 180
    assert run.answer == "3"


# ---- kinds of model ---------------------------------------------------------------------------------------------------------


def lab_cast(ask: Ask):
    prompt = ask.prompt.removesuffix("\n<assistant>")
    last = prompt.rpartition("\n\n")[2]
    if last == "Now continue or stop?":
        return "</think>\n\nSo continue: team 3, short."
    if last == "Now find 3 roles.":
        return "</think>\n\n1. solver\n2. critic of steps\n3. critic of facts"
    if last == "Now solve it again.":
        assert "\n\n1: The right step: 3 + 4 = 7.\n2: The right step: 3 + 4 = 7.\n\nNow" in prompt
        return "3 + 4 = 7.\n\n</think>\n\nThe answer is 7. \\boxed{7}"
    if last.startswith("Let the critic of "):
        assert "\n\nOne solution:\n\n3 + 4 = " in prompt
        return "</think>\n\nYes, agree." if "= 7" in prompt else "</think>\n\nNo, disagree. The right step: 3 + 4 = 7."
    if last == "Let the expert verify: is it correct?":
        return "</think>\n\nYes, correct."
    assert prompt == "<user>How many?"
    return "3 + 4 = 8.\n\n</think>\n\nThe answer is 8. \\boxed{8}"


def test_the_lab_plays_all_roles_in_its_own_words(play):
    run = team(play, lab_cast, preset=LAB)
    assert run.answer == "7"
    facts = run.outcome.facts
    assert facts["rounds"][0]["votes"] == [[False, False], [True, True]]
    assert facts["rounds"][0]["max_tokens"] == 160  # short: half of the ceiling
    assert not any(facts["parse_failures"].values())
    assert not any(facts["skipped"].values())


def test_each_role_can_have_an_engine_of_its_own(play, ledger):
    import asyncio

    from thinkwell.session import Session

    main, critic = ledger(cast()), ledger(cast(critic="[Agree]"))
    cls = METHODS.get("multi_agent")
    from tests.methods.conftest import PROBLEM

    session = Session(PROBLEM, main, preset=CHAT, engines={"critic": critic}, budget=Budget(tokens=2000))
    outcome = asyncio.run(session.run(cls()))
    assert outcome.facts["rounds"][0]["votes"] == [[True]]
    assert {path.role for path in outcome.paths} == {Role.SOLVER}
    assert critic.sampled == session.usage.generated["critic"]
    assert main.sampled + critic.sampled == session.usage.generated_tokens
    assert set(cls.seats) >= {"critic", "solver", "ceo"}
