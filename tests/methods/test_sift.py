"""SIFT: three stages of stickers, an answer that two readings share, the plain answer else."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.core.answer import AnswerKind
from thinkwell.core.budget import Budget
from thinkwell.core.errors import ConfigError, MissingCapability
from thinkwell.core.events import Said
from thinkwell.core.method import METHODS, require
from thinkwell.core.path import Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.engines.scripted import Ask
from thinkwell.methods.wording.sift import WORDINGS, Sticker

PLAIN = Preset("plain", 1, "{question}", think_open="", think_close="", max_tokens=60, typical_tokens=10)
QUESTION = "How many?"
ABSTRACT = "**Conditions:**\n1. {}.\n\n**Question:**\nHow many {}?"


def sticker(name: str) -> str:
    return ABSTRACT.format(name, name)


def kind_of(prompt: str) -> str:
    """Which of the six turns a prompt is."""
    if "Take the problem" in prompt:
        return "generate"
    if "Compare the abstract" in prompt:
        return "forward"
    if "Work backwards" in prompt:
        return "inverse"
    alone = "**Conditions:**" in prompt
    return ("both" if prompt.startswith(f"<user>{QUESTION}\n") else "sticker") if alone else "query"


class Reader:
    """Answers each turn from a table: the sticker at hand decides a prediction. Writes down what it was asked."""

    def __init__(self, **table: object) -> None:
        self.table = {"generate": "one", "forward": ["two", "three"], "inverse": "guess", "query": 9, **table}
        self.asked: list[str] = []

    def __call__(self, ask: Ask) -> str:
        kind = kind_of(ask.prompt)
        self.asked.append(kind)
        value = self.table[kind]
        if isinstance(value, list):
            value = value[self.asked.count(kind) - 1]
        if isinstance(value, dict):
            value = value[re.findall(r"1\. (\w+)\.", ask.prompt)[-1]]
        return sticker(value) if kind in ("generate", "forward", "inverse") else "hm" if value is None else f"so \\boxed{{{value}}}"


def test_agreement_at_the_first_stage_takes_three_replies(play):
    reader = Reader(sticker=7, both=7)
    run = play("sift", reader, preset=PLAIN)
    assert reader.asked == ["generate", "both", "sticker"]
    assert run.answer == "7"
    assert run.outcome.facts["stage"] == 1
    assert run.outcome.facts["generations"] == 3
    assert run.outcome.facts["answer_from"] == "agreement"


def test_stickers_and_predictions_are_in_the_events(play):
    run = play("sift", Reader(sticker={"one": 1, "two": 7}, both=7), preset=PLAIN)
    talk = [(said.speaker, said.how, said.round, said.decision) for said in run.events(Said)]
    assert talk == [
        ("sticker", "of the question", 0, ""),
        ("solver", "from query+sticker", 0, "answers 7"),
        ("solver", "from sticker", 0, "answers 1"),
        ("sticker", "forward", 1, ""),
        ("solver", "from query+sticker", 1, "answers 7"),
        ("solver", "from sticker", 1, "answers 7"),
    ]
    assert run.events(Said)[0].text == sticker("one")
    odd = play("sift", lambda ask: "Ann has 5" if kind_of(ask.prompt) == "generate" else "\\boxed{7}", preset=PLAIN)
    assert next((said.decision, said.unread) for said in odd.events(Said)) == ("not in the form asked for", False)


@pytest.mark.parametrize(
    ("agreeing", "replies", "stage"),
    [("two", 6, 2), ("three", 10, 3)],
)
def test_later_stages_take_six_and_ten_replies(play, agreeing, replies, stage):
    apart = dict.fromkeys(("one", "two", "three"), 1)
    run = play("sift", reader := Reader(sticker=apart, both={**dict.fromkeys(apart, 2), agreeing: 1}), preset=PLAIN)
    assert len(reader.asked) == replies == run.outcome.facts["generations"]
    assert run.outcome.facts["stage"] == stage
    assert run.answer == "1"


def test_without_agreement_the_plain_answer_is_written_last(play):
    run = play("sift", reader := Reader(sticker=1, both=2), preset=PLAIN)
    assert reader.asked == [
        "generate", "both", "sticker", "forward", "both", "sticker", "inverse", "forward", "both", "sticker", "query"
    ]  # fmt: skip
    assert run.answer == "9"
    assert run.outcome.facts["stage"] == 0
    assert run.outcome.facts["answer_from"] == "query"
    assert run.outcome.chosen is run.outcome.paths[-1]
    assert [entry["predictions"] for entry in run.outcome.facts["stages"]] == [[["2", "1"]]] * 3


def test_the_inverse_turn_sees_the_prediction_and_never_the_question(play):
    prompts = []

    def script(ask: Ask) -> str:
        prompts.append(ask.prompt)
        return reader(ask)

    reader = Reader(sticker=1, both=2)
    play("sift", script, preset=PLAIN)
    (inverse,) = [prompt for prompt in prompts if kind_of(prompt) == "inverse"]
    assert QUESTION not in inverse
    assert "so \\boxed{2}" in inverse
    mended = [prompt for prompt in prompts if kind_of(prompt) == "forward"]
    assert sticker("one") in mended[0]
    assert sticker("guess") in mended[1]
    assert all(QUESTION in prompt for prompt in mended)


def test_two_missing_answers_are_no_consensus(play):
    run = play("sift", Reader(sticker=None, both=None), preset=PLAIN)
    assert run.outcome.facts["stage"] == 0
    assert run.answer == "9"


@pytest.mark.parametrize(
    ("accept", "agree_with", "agreeing", "answer", "third"),
    [
        ("query+sticker", "sticker", {"both": 5, "sticker": 5, "query": 6}, "5", None),
        ("sticker", "query", {"both": 6, "sticker": 5, "query": 5}, "5", None),
        ("query", "query+sticker", {"both": 5, "sticker": 6, "query": 5}, "5", None),
        ("query+sticker", "sticker", {"both": 4, "sticker": 5, "query": 6}, "6", "query"),
        ("sticker", "query", {"both": 4, "sticker": 5, "query": 6}, "4", "query+sticker"),
        ("query", "query+sticker", {"both": 4, "sticker": 5, "query": 6}, "5", "sticker"),
    ],
)
def test_the_three_pairs_of_the_ablation(play, accept, agree_with, agreeing, answer, third):
    """F5: accept the first if it agrees with the second, else take the third."""
    run = play("sift", Reader(**agreeing), preset=PLAIN, stages=1, accept=accept, agree_with=agree_with)
    assert run.answer == answer
    assert run.outcome.facts["answer_from"] == (third or "agreement")
    assert run.outcome.facts["generations"] == (4 if third else 3)


def test_the_plain_answer_is_written_once_whatever_the_stages(play):
    reader = Reader(sticker=5, query=6, both=4)
    run = play("sift", reader, preset=PLAIN, accept="query", agree_with="sticker", fallback="query")
    assert reader.asked.count("query") == 1
    assert run.answer == "6"


def test_a_prediction_cannot_agree_with_itself():
    with pytest.raises(ConfigError, match="must agree with another one"):
        METHODS.get("sift").Config.parse({"accept": "query", "agree_with": "query"}, "sift")


def test_repeats_and_the_ablation_without_forward(play):
    """F4: no stage 2 of its own; what inverse gives is mended all the same."""
    reader = Reader(sticker=1, both=2, forward=["a", "b", "c"])
    play("sift", reader, preset=PLAIN, forward_repeats=0)
    assert reader.asked == ["generate", "both", "sticker", "inverse", "forward", "both", "sticker", "query"]
    reader = Reader(sticker=1, both=2, forward=["a", "b", "c"])
    run = play("sift", reader, preset=PLAIN, stages=2, forward_repeats=3)
    assert run.outcome.facts["generations"] == 3 + 3 * 3 + 1


def test_stickers_are_greedy_unless_the_run_or_consistency_says_otherwise(play):
    greedy = play("sift", Reader(sticker=7, both=7), preset=PLAIN)
    assert {request.sampling.temperature for request in greedy.engine.requests} == {0.0}
    own = play("sift", Reader(sticker=7, both=7), preset=PLAIN, decoding="run")
    assert {request.sampling.temperature for request in own.engine.requests} == {0.8}
    thinking = play(
        "sift", {"*": "<think>x</think>\\boxed{7}"}, preset=Preset("r1", 1, "{question}", typical_tokens=10, temperature=0.6), stages=1
    )
    assert {request.sampling.temperature for request in thinking.engine.requests} == {0.6}
    many = play("sift", Reader(sticker=7, both=7), preset=PLAIN, consistency="sift", n_samples=2)
    assert {(request.sampling.temperature, request.sampling.top_p) for request in many.engine.requests} == {(0.6, 0.9)}


def test_sticker_consistency_votes_over_the_predictions_of_several_stickers(play):
    both, alone = {"a": 1, "b": 2, "c": 1}, {"a": 3, "b": 1, "c": 1}
    run = play("sift", Reader(generate=["a", "b", "c"], both=both, sticker=alone), preset=PLAIN, consistency="sticker", n_samples=3)
    assert run.outcome.facts["stage"] == 1
    assert run.answer == "1"
    assert run.outcome.facts["generations"] == 9
    assert run.outcome.facts["stages"][0]["stickers"] == [sticker(name) for name in "abc"]


def test_prediction_consistency_votes_inside_each_kind_and_then_compares(play):
    run = play("sift", Reader(both=[1, 2, 2], sticker=[3, 2, 2]), preset=PLAIN, consistency="prediction", n_samples=3)
    assert run.answer == "2"
    assert run.outcome.facts["generations"] == 7
    apart = play(
        "sift", Reader(both=[1, 2, 2], sticker=[1, 1, 2], query=[8, 9, 9]), preset=PLAIN, consistency="prediction", n_samples=3, stages=1
    )
    assert apart.answer == "9"
    assert apart.outcome.facts["generations"] == 10


def test_sift_consistency_votes_over_whole_runs(play):
    """Three goes: two agree at stage 1 on 1 and 4; the third falls back to 4."""
    numbers = {"a": 1, "b": 4, "c": 5}
    reader = Reader(generate=["a", "b", "c"], both=numbers, sticker={**numbers, "c": 6}, query=4)
    run = play("sift", reader, preset=PLAIN, consistency="sift", n_samples=3, stages=1)
    assert run.answer == "4"
    assert run.outcome.facts["stage"] == [1, 1, 0]
    assert run.outcome.facts["agreed"] == pytest.approx(2 / 3)
    assert run.outcome.facts["generations"] == 10


def test_only_the_goes_that_disagree_go_on(play):
    reader = Reader(generate=["a", "b"], both={"a": 1, "b": 2, "two": 2}, sticker={"a": 1, "b": 3, "two": 2})
    run = play("sift", reader, preset=PLAIN, consistency="sift", n_samples=2)
    assert reader.asked.count("forward") == 1
    assert run.outcome.facts["stage"] == [1, 2]


def test_the_lab_wording_is_sent_to_the_letter(play):
    preset = replace(PLAIN, name="lab", think_open="<think>\n", think_close="</think>", max_tokens=200)
    lab = "The conditions:\n1. Ann starts with 5 apples.\nThe question: How many?"
    prompts = []

    def script(ask: Ask) -> str:
        prompts.append(ask.prompt.removeprefix("<user>").removesuffix("\n<assistant>"))
        if ask.prompt.endswith(("a sticker.\n<assistant>", "the sticker.\n<assistant>", "this solution.\n<assistant>")):
            return "<think>\n</think>\n\n" + lab
        return f"<think>\nAdd.\n\n</think>\n\nIt is \\boxed{{{len(prompts) % 2}}}"

    run = play("sift", script, preset=preset)
    assert prompts[:3] == ["How many?\n\nNow say the facts as a sticker.", f"How many?\n\n{lab}", lab]
    assert prompts[3] == f"How many?\n\n{lab}\n\nNow check and fix the sticker."
    assert prompts[6] == "Add.\n\nIt is \\boxed{1}\n\nNow find the sticker for this solution."
    assert prompts[10] == "How many?"
    assert run.outcome.facts["malformed_stickers"] == 0


def test_the_knob_overrides_the_wording_of_the_preset(play):
    run = play("sift", {"*": "so \\boxed{7}"}, preset=PLAIN, wording="lab", stages=1)
    assert "Now say the facts as a sticker." in run.engine.requests[0].messages[-1]["content"]


def test_a_reasoning_models_sticker_is_what_follows_its_thinking(play):
    def script(ask: Ask) -> str:
        kind = kind_of(ask.prompt)
        return f"<think>\nConditions: none?</think>\n{sticker('one')}" if kind == "generate" else "<think>x</think>\\boxed{7}"

    preset = Preset("r1", 1, "{question}", max_tokens=200, typical_tokens=10)
    run = play("sift", script, preset=preset)
    assert run.outcome.facts["stages"][0]["stickers"] == [sticker("one")]
    assert run.answer == "7"


def test_a_sticker_without_its_header_is_kept_and_counted(play):
    run = play("sift", lambda ask: "Ann has 5" if kind_of(ask.prompt) == "generate" else "\\boxed{7}", preset=PLAIN)
    assert run.outcome.facts["malformed_stickers"] == 1
    assert run.outcome.facts["stages"][0]["stickers"] == ["Ann has 5"]
    assert run.outcome.facts["stage"] == 1


def test_no_sticker_is_no_prediction_from_it(play):
    """A sticker that was nothing but a boxed answer is empty; the stage cannot agree, and the plain answer is taken."""
    run = play("sift", lambda ask: "\\boxed{7}", preset=PLAIN)
    assert run.outcome.facts["answer_from"] == "query"
    assert [path.prompt for path in run.outcome.paths] == [f"<user>{QUESTION}\n<assistant>"]
    assert run.answer == "7"


def test_options_of_a_choice_stay_beside_the_sticker(play):
    problem = Problem("p", QUESTION, "B", AnswerKind.CHOICE, options=("four", "seven"))
    preset = replace(PLAIN, template="{question}\n\n{options}")
    run = play("sift", lambda ask: sticker("one") if kind_of(ask.prompt) == "generate" else "Answer: B", preset=preset, problem=problem)
    generate, both, alone = [request.messages[-1]["content"] for request in run.engine.requests]
    assert "(A) four\n(B) seven" in generate
    assert alone == f"{sticker('one')}\n\n(A) four\n(B) seven"
    assert both == f"{QUESTION}\n\n{sticker('one')}\n\n(A) four\n(B) seven"
    assert run.answer == "B"


def test_sticker_turns_are_a_role_of_their_own_on_the_cost_sheet(play):
    run = play("sift", Reader(sticker=7, both=7), preset=PLAIN)
    assert run.usage.generated[Role.SUMMARY.value] > 0
    assert sum(entry["generated_tokens"] for entry in run.outcome.facts["stages"]) == run.usage.generated_tokens == run.engine.sampled


def test_a_budget_always_leaves_the_plain_answer(play):
    """Replies take 8 tokens, a sticker about 24; at typical 10, stage 1 is begun from 40 tokens on."""
    for tokens in (10, 39, 60, 100, 150, 400):
        run = play("sift", Reader(sticker=1, both=2), preset=PLAIN, budget=Budget(tokens=tokens))
        assert run.answer == "9", tokens
        assert run.usage.generated_tokens <= tokens
    short = play("sift", reader := Reader(sticker=1, both=2), preset=PLAIN, budget=Budget(tokens=39))
    assert reader.asked == ["query"]
    assert short.outcome.facts["stages"] == []


def test_fit_sizes_the_samples_of_consistency_only():
    cls = METHODS.get("sift")

    def sized(tokens: int | None, **knobs: object) -> int:
        return cls(cls.Config(**knobs)).fit(Budget(tokens=tokens), PLAIN).config.n_samples

    assert sized(600) == 10
    assert sized(600, consistency="sift") == 20
    assert sized(600, consistency="prediction") == 30
    assert sized(5, consistency="sticker") == 1
    assert sized(600, consistency="sift", n_samples=3) == 3
    assert sized(None, consistency="sift") == 10


def test_recorded_samples_cannot_answer_new_turns():
    with pytest.raises(MissingCapability, match="fresh_samples"):
        require(METHODS.get("sift"), "replay", frozenset(), [])


@given(st.text(), st.text())
def test_forward_keeps_any_query_and_sticker_in_their_places(query, text):
    for words in WORDINGS.values():
        (turn,) = words.ask_forward(query, Sticker(text))
        assert query in turn["content"]
        assert text in turn["content"]
