"""Self-refine: a solution judged and rewritten by its own model until the judgement is "correct"."""

from dataclasses import replace

import pytest

from thinkwell.core.answer import AnswerKind
from thinkwell.core.budget import Budget
from thinkwell.core.errors import MissingCapability
from thinkwell.core.events import Said
from thinkwell.core.method import METHODS, require
from thinkwell.core.path import Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.engines.scripted import Ask, Reply

PLAIN = Preset("plain", 1, "{question}", think_open="", think_close="", max_tokens=60, typical_tokens=10)
LAB = replace(PLAIN, name="lab", think_open="<think>\n", think_close="</think>")


class Model:
    """Solutions and judgements in turn; writes down the prompts."""

    def __init__(self, solutions: list[str], feedback: list[str]) -> None:
        self.solutions, self.feedback = iter(solutions), iter(feedback)
        self.prompts: list[str] = []

    def __call__(self, ask: Ask) -> Reply | str:
        text = ask.prompt.removeprefix("<user>").removesuffix("\n<assistant>")
        self.prompts.append(text)
        judging = '"Verdict: wrong".' in text or text.endswith("step by step.")
        return next(self.feedback) if judging else next(self.solutions)


def boxed(*numbers: int) -> list[str]:
    return [f"so \\boxed{{{n}}}" for n in numbers]


def test_it_stops_when_the_feedback_finds_nothing_wrong(play):
    model = Model(boxed(5, 6, 7), ["too small.\nVerdict: wrong", "still.\nVerdict: wrong", "fine.\nVerdict: correct"])
    run = play("self_refine", model, preset=PLAIN)
    assert run.answer == "7"
    assert len(model.prompts) == 6
    facts = run.outcome.facts
    assert (facts["stopped"], facts["rounds"]) == ("correct", 3)
    assert facts["judgements"] == ["wrong", "wrong", "correct"]
    assert facts["solutions"] == ["5", "6", "7"]
    assert run.outcome.chosen is run.outcome.paths[-1]
    said = run.events(Said)
    talk = [(event.speaker, event.to, event.round, event.decision) for event in said]
    assert talk[0::2] == [("solver", ("critic",), i, f"answers {5 + i}") for i in range(3)]
    assert talk[1::2] == [("critic", ("solver",), i, verdict) for i, verdict in enumerate(["wrong", "wrong", "correct"])]
    assert [event.text for event in said[:2]] == ["so \\boxed{5}", "too small.\nVerdict: wrong"]


def test_it_stops_after_max_attempts_with_the_last_solution(play):
    model = Model(boxed(1, 2, 3, 4, 5), ["no\nVerdict: wrong"] * 4)
    run = play("self_refine", model, preset=PLAIN)
    assert run.answer == "5"
    assert len(model.prompts) == 1 + 2 * 4
    assert run.outcome.facts["stopped"] == "attempts"
    assert play("self_refine", Model(boxed(1), []), preset=PLAIN, max_attempts=0).answer == "1"


def test_not_correct_is_not_correct(play):
    """The trap of the original code: a stop phrase found anywhere in the feedback."""
    model = Model(boxed(5, 6), ["Step 1 is correct. The solution is not correct.\nVerdict: wrong", "It is correct!"])
    run = play("self_refine", model, preset=PLAIN, max_attempts=1)
    assert run.answer == "6"


def test_feedback_without_a_verdict_is_counted_and_the_solution_refined(play):
    run = play("self_refine", Model(boxed(5, 6, 7), ["It is correct.", "ok\nVerdict: maybe"]), preset=PLAIN, max_attempts=2)
    assert run.outcome.facts["unreadable_feedback"] == 2
    assert run.outcome.facts["judgements"] == ["unreadable", "unreadable"]
    assert [event.unread for event in run.events(Said)] == [False, True, False, True, False]
    assert run.answer == "7"


def test_a_refinement_sees_all_earlier_attempts_or_the_last_alone(play):
    def last_prompt(**knobs: object) -> str:
        model = Model(boxed(5, 6, 7), ["small\nVerdict: wrong", "tiny\nVerdict: wrong"])
        play("self_refine", model, preset=PLAIN, max_attempts=2, **knobs)
        return model.prompts[-1]

    assert last_prompt() == last_prompt(history="all")
    for part in ("so \\boxed{5}", "small", "so \\boxed{6}", "tiny"):
        assert part in last_prompt()
    assert last_prompt().index("small") < last_prompt().index("tiny")
    assert "small" not in last_prompt(history="last")
    assert "tiny" in last_prompt(history="last")


def test_a_refinement_is_asked_in_the_presets_words_and_feedback_is_not(play):
    preset = replace(PLAIN, template="{question} Put it in a box.", system="Be brief.")
    run = play("self_refine", Model(boxed(5, 6), ["no\nVerdict: wrong"]), preset=preset, max_attempts=1)
    first, feedback, refined = [request.messages for request in run.engine.requests]
    assert [turn["content"] for turn in first] == ["Be brief.", "How many? Put it in a box."]
    assert len(feedback) == 1
    assert "Put it in a box." not in feedback[0]["content"]
    assert refined[0]["content"] == "Be brief."
    assert refined[1]["content"].startswith("How many? Put it in a box.\n\n")


def test_a_refinement_without_an_answer_does_not_replace_one(play):
    run = play("self_refine", Model(["so \\boxed{5}", "hm", "hm"], ["no\nVerdict: wrong"] * 2), preset=PLAIN, max_attempts=2)
    assert run.answer == "5"
    assert run.outcome.facts["taken"] == 0
    assert run.outcome.chosen is run.outcome.paths[0]


def test_the_first_solution_is_greedy_and_the_rest_is_sampled(play):
    def temperatures(**knobs: object) -> list[float]:
        run = play("self_refine", Model(boxed(5, 6), ["no\nVerdict: wrong"]), preset=PLAIN, max_attempts=1, **knobs)
        return [request.sampling.temperature for request in run.engine.requests]

    assert temperatures() == [0.0, 0.7, 0.7]
    assert temperatures(decoding="run") == [0.8, 0.8, 0.8]


def test_the_lab_wording_is_sent_to_the_letter(play):
    wrong = "No. That step is wrong: 5 + 7 = 13. The right step: 5 + 7 = 12."
    thoughts = "<think>\n5 + 7 = %s\n\n</think>\n\nIt is \\boxed{%s}"
    model = Model([thoughts % (13, 13), thoughts % (12, 12)], [f"<think>\n</think>\n\n{wrong}", "<think>\n</think>\n\nYes, all correct."])
    run = play("self_refine", model, preset=LAB)
    shown = "5 + 7 = 13\n\nIt is \\boxed{13}"
    assert model.prompts == [
        "How many?",
        f"How many?\n\nOne solution:\n\n{shown}\n\nNow check the solution step by step.",
        f"How many?\n\nOne solution:\n\n{shown}\n\n{wrong}\n\nNow solve it again.",
        "How many?\n\nOne solution:\n\n5 + 7 = 12\n\nIt is \\boxed{12}\n\nNow check the solution step by step.",
    ]
    assert run.answer == "12"
    assert run.outcome.facts["stopped"] == "correct"


def test_the_labs_refinement_sees_the_last_attempt_alone(play):
    model = Model(boxed(1, 2, 3), ["No. That step is wrong: 1", "No. That step is wrong: 2"])
    play("self_refine", model, preset=replace(PLAIN, name="lab"), max_attempts=2)
    assert model.prompts[-1] == "How many?\n\nOne solution:\n\nso \\boxed{2}\n\nNo. That step is wrong: 2\n\nNow solve it again."


def test_a_reasoning_models_thinking_is_neither_shown_nor_read_as_a_verdict(play):
    preset = Preset("r1", 1, "{question}", max_tokens=100, typical_tokens=10)
    model = Model(
        ["<think>secret</think>so \\boxed{5}", "<think>x</think>so \\boxed{6}"],
        ["<think>\nVerdict: correct\n</think>no\nVerdict: wrong", "<think>\nVerdict: correct"],
    )
    run = play("self_refine", model, preset=preset, max_attempts=1)
    assert run.answer == "6"
    assert "secret" not in "".join(model.prompts)
    open_ended = Model(["<think>x</think>so \\boxed{5}"] * 2, ["<think>\nVerdict: correct"])
    assert play("self_refine", open_ended, preset=preset, max_attempts=1).outcome.facts["judgements"] == ["unreadable"]


def test_options_of_a_choice_are_part_of_what_is_judged(play):
    problem = Problem("p", "How many?", "B", AnswerKind.CHOICE, options=("four", "seven"))
    model = Model(["Answer: B"], ["Verdict: correct"])
    run = play("self_refine", model, preset=replace(PLAIN, template="{question}\n\n{options}"), problem=problem)
    assert "(A) four\n(B) seven" in model.prompts[1]
    assert run.answer == "B"


def test_feedback_is_the_critics_on_the_cost_sheet(play):
    run = play("self_refine", Model(boxed(5), ["Verdict: correct"]), preset=PLAIN)
    assert run.usage.generated[Role.CRITIC.value] == 4  # "Verdict", ":", " correct" and the end
    assert run.usage.generated_tokens == run.engine.sampled


def test_no_round_is_begun_that_the_budget_cannot_finish(play):
    """A solution takes 5 tokens and the end; a round is taken to cost two of them until feedback was seen."""
    model = lambda ask: "so far \\boxed{7}" if "Verdict" not in ask.prompt.split("problem asks")[0] else "bad\nVerdict: wrong"  # noqa: E731
    tokens = {budget: play("self_refine", model, preset=PLAIN, budget=Budget(tokens=budget)) for budget in (5, 17, 18, 400)}
    assert tokens[17].outcome.facts["rounds"] == 0
    assert tokens[17].outcome.facts["stopped"] == "budget"
    assert tokens[18].outcome.facts["rounds"] == 1
    assert tokens[400].outcome.facts["rounds"] == 4
    assert tokens[17].answer == tokens[18].answer == "7"
    assert all(run.usage.generated_tokens <= budget for budget, run in tokens.items())


def test_fit_makes_room_for_whole_rounds():
    cls = METHODS.get("self_refine")
    assert [cls().fit(Budget(tokens=t), PLAIN).config.max_attempts for t in (5, 29, 30, 50, 1000)] == [0, 0, 1, 2, 4]
    assert cls(cls.Config(max_attempts=3)).fit(Budget(tokens=5), PLAIN).config.max_attempts == 3


def test_recorded_samples_cannot_answer_new_turns():
    with pytest.raises(MissingCapability, match="fresh_samples"):
        require(METHODS.get("self_refine"), "replay", frozenset(), [])
