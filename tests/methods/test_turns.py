"""Turns of a method's own: where a reply begins, how the question is shown, what the next one will cost."""

import asyncio
from dataclasses import replace

import pytest

from tests.methods.conftest import PRESET, PROBLEM, session_of
from thinkwell.core.answer import AnswerKind
from thinkwell.core.path import Origin, Path, Segment
from thinkwell.core.prompt import Preset
from thinkwell.methods._turns import end_of_thinking, mean_length, query_of, wording_of

PLAIN = replace(PRESET, think_open="", think_close="")


def path_of(text: str, prompt: str = "", n: int = 0) -> Path:
    return Path("0", (Segment(prompt, Origin.PROMPT, n_tokens=1), Segment(text, Origin.MODEL, n_tokens=n)))


@pytest.mark.parametrize(
    ("text", "prompt", "thinks"),
    [
        ("so 7", "Why?", False),
        ("<think>\nso", "Why?", True),
        ("so 7", "Why?<think>\n", True),
        ("so</think> 7", "Why?", True),  # it closes what nobody opened
        ("so 7", "<think>\nWhy?", False),  # opened somewhere else
    ],
)
def test_a_path_thinks_if_its_thinking_was_opened_or_closed(text, prompt, thinks):
    session = session_of({"*": ""})
    assert end_of_thinking(session, path_of(text, prompt)) == ("</think>" if thinks else "")


def test_a_preset_without_marks_has_no_end_of_thinking():
    session = session_of({"*": ""}, preset=PLAIN)
    assert end_of_thinking(session, path_of("<think> a </think> b")) == ""


def test_only_a_choice_shows_its_options():
    choice = replace(PROBLEM, question="Which?", kind=AnswerKind.CHOICE, options=("red", "blue"))
    assert query_of(choice) == "Which?\n\n(A) red\n(B) blue"
    assert query_of(replace(choice, kind=AnswerKind.LABEL)) == "Which?"
    assert query_of(PROBLEM) == "How many?"


@pytest.mark.parametrize(("preset", "kind"), [(PRESET, "reasoning"), (PLAIN, "instruct"), (replace(PRESET, name="lab"), "lab")])
def test_the_wording_is_that_of_the_preset_unless_one_is_named(preset: Preset, kind: str):
    session = session_of({"*": ""}, preset=preset)
    assert wording_of(session, "auto") == kind
    assert wording_of(session, "instruct") == "instruct"


def test_the_next_reply_costs_the_mean_of_those_before():
    assert mean_length([], 12.0) == 12.0
    assert mean_length([path_of("a", n=4), path_of("b", n=7)], 12.0) == 5.5


def test_what_a_method_wrote_itself_is_no_part_of_the_mean():
    async def work():
        session = session_of({"*": "a b c"})
        (path,) = await session.extend([await session.splice((await session.open())[0], "many words of mine")])
        assert mean_length([path], 0.0) == 4  # three words and the end

    asyncio.run(work())
