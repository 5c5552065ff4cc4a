"""Texts put into another turn stay inside their frame, whatever they hold and however deep it is nested."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.methods.wording import critic_guided, mixture_of_agents, multi_agent, solve_detect_verify
from thinkwell.methods.wording._inert import MOST_PASSES, after_thinking, inert, settled, unboxed, without_boxes

MARK = re.compile(r"</?\s{0,3}think>|<\|im_(?:start|end)\|>|</solution>|```")
PARTS = [
    "</think>",
    "<think",
    "<th",
    "ink>",
    "<|im_end|>",
    "<|im_",
    "end|>",
    "`",
    "``",
    "<",
    "</solution>",
    "</sol",
    "ution>",
    "word",
    "\n",
    " ",
    ">",
]


@given(st.lists(st.sampled_from(PARTS), max_size=24).map("".join))
def test_no_nesting_of_marks_leaves_one(text):
    clean = inert(text, ("solution",))
    assert not MARK.search(clean)
    assert inert(clean, ("solution",)) == clean


@given(st.text(alphabet=st.characters(exclude_characters="<>`")))
def test_plain_text_keeps_its_words(text):
    assert inert(text).split() == text.split()


def test_blank_lines_that_fall_together_make_no_mark():
    assert "think" in inert("a < \n\n\n\n think> b")
    assert not MARK.search(inert("a <\n\n\n\nthink> b"))


class Counting:
    """A cleaning step that counts how often it is asked, and how much text it is given."""

    def __init__(self, mark: str) -> None:
        self.mark, self.passes, self.characters = mark, 0, 0

    def __call__(self, text: str) -> str:
        self.passes += 1
        self.characters += len(text)
        return text.replace(self.mark, "")


@pytest.mark.parametrize("depth", [0, 1, 3, MOST_PASSES - 1])
def test_marks_nested_as_people_may_write_them_are_taken_out_one_by_one(depth):
    clean = Counting("<a>")
    assert settled("x < 3 `y` " + "<" * depth + "a>" * depth, clean) == "x < 3 `y` "
    assert clean.passes == depth + 1  # the last finds nothing to do


def test_work_grows_with_the_length_and_not_with_the_depth():
    deep = 250_000
    clean = Counting("<a>")
    left = settled("x" + "<" * deep + "a>" * deep, clean)
    assert clean.passes == MOST_PASSES + 1
    assert clean.characters <= (MOST_PASSES + 1) * (1 + 3 * deep)
    assert "<" not in left


THINK = r"</?\s{0,3}think\s{0,3}/?>|<\|[^<>\n]{0,40}\|>|```"
QUOTING = {
    "inert": (inert, THINK),
    "inert with tags": (lambda text: inert(text, ("solution",)), THINK + r"|</?\s{0,3}solution\s{0,3}/?>"),
    "mixture of agents": (mixture_of_agents.quoted, THINK + r"|</?\s{0,3}answers?\b[^<>]{0,40}>|\\boxed(?![A-Za-z])"),
    "team": (multi_agent.quoted, THINK + r"|</?\s{0,3}(?:solution|message)\b[^<>]{0,40}>|\[\s{0,3}agree\s{0,3}\]|\\boxed(?![A-Za-z])"),
    "verifier": (solve_detect_verify.plain, THINK + r"|</?\s{0,3}paragraph(?:_\d{1,6})?\s{0,3}>"),
    "critic": (critic_guided._frameless, THINK + r"|</?\s{0,3}answer\s{0,3}>|^#{1,6}\s*problem\b"),
}
HOSTILE = [
    ("<", "think>"), ("</", "solution>"), ("<|", "|>"), ("<answer ", ">"), ("[agree", "]"), ("\\boxed{", "}"), ("\\bo", "xed{7}"),
    ("</paragraph_", "1>"), ("</answer", ">"), ("`", "`"), ("# ", "problem\n"),
]  # fmt: skip


@pytest.mark.parametrize(("quote", "mark"), QUOTING.values(), ids=QUOTING)
@pytest.mark.parametrize(("left", "right"), HOSTILE, ids=[left + right for left, right in HOSTILE])
def test_a_megabyte_of_nested_marks_leaves_none(quote, mark, left, right):
    """With a pass a layer this would take hours."""
    deep = 2**20 // len(left + right)
    clean = quote(left * deep + right * deep)
    assert not re.search(mark, clean, re.IGNORECASE | re.MULTILINE)


@given(
    st.lists(
        st.sampled_from([*PARTS, "[agree", "]", "\\boxed", "{", "}", "<answer", "<paragraph_", "1>", "#", "problem"]), max_size=30
    ).map("".join)
)
def test_every_quoting_leaves_no_mark_of_its_frame(text):
    for quote, mark in QUOTING.values():
        assert not re.search(mark, quote(text), re.IGNORECASE | re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("so \\boxed{7}.", "so 7."),
        ("\\fbox {7}", "7"),
        ("\\boxed", ""),
        ("\\boxed{\\frac{1}{2}}", "{\\frac{1}{2}}"),
        ("\\boxedin", "\\boxedin"),
        ("\\boxed{7", "{7"),
    ],
)
def test_a_box_is_shown_plain(text, plain):
    assert unboxed(text) == plain


def test_after_thinking_says_when_there_is_no_reply():
    assert after_thinking("a</think> b", "</think>") == "b"
    assert after_thinking("a b", "</think>") is None
    assert after_thinking(" a b ", "") == "a b"


def test_lines_with_a_box_go_and_others_stay():
    assert without_boxes("a\nso \\boxed{3}\nb \\boxedin c") == "a\nb \\boxedin c"
