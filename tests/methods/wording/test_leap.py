"""What LeaP writes: frames, endings and how summaries are read."""

import re

import pytest

from thinkwell.lab.tokenizer import PATTERN, vocabulary
from thinkwell.methods.wording.leap import WORDINGS, begun_mark, closing, comments, frame_length, read_summary

TAGS, LAB = WORDINGS["reasoning"], WORDINGS["lab"]


@pytest.mark.parametrize(
    ("reply", "stopped", "added"),
    [
        (" x = 3", True, " </summarize>"),  # the closing mark, or that of the thinking, was taken away
        (" x = 3 ", True, "</summarize>"),
        (" x = 3", False, "... </summarize>"),
        (" x = 3 </summ", False, "arize>"),
        (" x = 3 </", False, "summarize>"),
        (" x <", False, "... </summarize>"),  # "<" alone may be mathematics
        ("", True, " </summarize>"),
    ],
)
def test_a_summary_is_always_closed_once(reply, stopped, added):
    assert closing(reply, stopped, TAGS) == added
    assert (reply + closing(reply, stopped, TAGS)).endswith("</summarize>")
    assert (reply + closing(reply, stopped, TAGS)).count("</summarize>") == 1


@pytest.mark.parametrize(("reply", "stopped", "added"), [(" 12.", True, "\n\n"), (" 12.\n", False, "\n"), (" 12, 1", False, ".\n\n")])
def test_a_summary_of_the_lab_is_closed_by_a_blank_line(reply, stopped, added):
    assert closing(reply, stopped, LAB) == added


def test_a_summary_holds_the_words_it_was_given():
    read = read_summary(" <summarize> In brief, I found that", " x = 3 ", True, TAGS)
    assert (read.text, read.ended, read.blank) == ("In brief, I found that x = 3", True, False)
    assert read_summary("Summary:", " 12, 12 + 5 = 17.", True, LAB).text == "12, 12 + 5 = 17."


def test_a_summary_that_was_cut_or_left_empty_says_so():
    assert not read_summary(" <summarize> that", " x", False, TAGS).ended
    half = read_summary(" <summarize> that", " x </summar", False, TAGS)
    assert (half.text, half.ended) == ("that x", True)
    assert read_summary(" <summarize> that", "</summ", False, TAGS).blank
    assert read_summary("Summary:", "\n", False, LAB).blank


def test_a_mark_counts_as_begun_from_its_second_character():
    assert [begun_mark(text, "</summarize>") for text in ("a </summarize", "a </", "a <", "a")] == [11, 2, 0, 0]
    assert begun_mark("a\n", "\n\n") == 1


def test_frames_number_peers_from_one_and_name_nobody():
    assert comments(["12.", "13."], LAB) == "[ comments: peer 1: 12. peer 2: 13. ]\n\nLet me check the comments:"
    assert comments(["a", "b"], TAGS) == f' <comment> Peer 1: "a"\nPeer 2: "b" </comment>\n\n{TAGS.bridge}'
    assert comments([], LAB) == "[ no comments. ]\n\n"
    assert comments([], TAGS).startswith(" <comment> No comments </comment>")


def test_a_summary_cannot_fill_in_the_template():
    assert 'Peer 1: "{number} {summary}"' in comments(["{number} {summary}"], TAGS)


@pytest.mark.parametrize("kind", ["instruct", "reasoning", "lab"])
def test_every_wording_is_whole(kind):
    wording = WORDINGS[kind]
    assert all(opening.count(wording.summary_open) == 1 for opening in wording.openings)
    assert "{number}" in wording.peer
    assert "{summary}" in wording.peer
    assert frame_length(wording) >= len(wording.recaps[0] + wording.openings[0] + wording.summary_close + wording.nobody)
    if kind != "lab":
        assert (len(wording.recaps), len(wording.openings)) == (7, 6)
        assert all(mark in wording.explain for mark in wording.marks)


def test_the_lab_can_say_all_of_it_in_whole_words():
    pieces = re.findall(
        PATTERN,
        "Summary: 12, 12 + 5 = 17.\n\n"
        + comments(["12, 12 + 5 = 17.", "12."], LAB)
        + " that is wrong: 5 - 3 = 2.\n\n 5 = 5. Yes.\n\n"
        + LAB.nobody,
    )
    assert [piece for piece in pieces if piece not in vocabulary()] == []
