"""The tags of an agent's episode: each check fails alone, and texts written to get by do not."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thinkwell.training.rewards.datarus_structure import structure

STEP = "<step><thought>look</thought><action>python_executor</action><action_input>print(1 < 2)</action_input></step>"
END = "<stop_analysis><thought>done</thought><answer>2</answer></stop_analysis>"
SEEN = STEP.replace("</step>", "<observation>True</observation></step>")


def score(text: str, **knobs: bool) -> float:
    return structure([text], dtype=torch.float64, **knobs).item()  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [STEP + END, f"\n{STEP}\n{STEP}\n\n{END}\n", SEEN + END, "<think>hm <step> </think>" + STEP + END])
def test_a_whole_episode_scores_one(text: str) -> None:
    assert score(text) == 1


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        (STEP + "so " + END, 1),  # outside
        (STEP + END + " done", 1),
        ("<step>hm" + STEP[6:] + END, 1),
        (STEP, 1),  # ending
        (STEP + END + END, 1),
        (END + STEP, 1),
        (STEP + "<stop_analysis><thought>done</thought></stop_analysis>", 1),
        (STEP + "<stop_analysis><thought>done</thought><answer> </answer></stop_analysis>", 1),
        (END, 2),  # no step, so no parts either
        (STEP.replace("look", "") + END, 1),  # parts
        (STEP.replace("look", "") + STEP + END, 1),
        ("<step></step>" + END, 1),
        (STEP.replace("<action>python_executor</action>", "") + END, 1),
        (STEP.replace("<step>", "<step><thought>twice</thought>") + END, 1),
        (STEP.replace("<step>", "<step><thought> </thought>") + END, 1),
        (STEP + END + "</step>", 1),  # nested
        (STEP + "<thought></thought>" + END, 1),
        (STEP + END + "<step>", 1),
    ],
)
def test_each_check_counts_a_fifth(text: str, failed: int) -> None:
    assert score(text) == pytest.approx(1 - failed / 5)


@pytest.mark.parametrize("text", ["", "  ", "42", "<think>a</think>", "<thought>a</thought>", "</step>", "<step>", "<STEP></STEP>"])
def test_a_text_without_a_block_scores_nothing(text: str) -> None:
    assert score(text) == 0


def test_empty_tags_are_no_structure() -> None:
    hollow = "<step><thought></thought><action></action><action_input></action_input></step>"
    hollow_end = "<stop_analysis><thought></thought><answer></answer></stop_analysis>"
    assert score(hollow + hollow_end) == pytest.approx(0.6)


def test_a_part_that_holds_a_mark_is_not_empty_but_badly_nested() -> None:
    assert score(STEP.replace("look", "look <action>") + END) == pytest.approx(0.8)


def test_observations_can_be_asked_for() -> None:
    assert score(STEP + END, observed=True) == pytest.approx(0.8)
    assert score(SEEN + END, observed=True) == 1
    assert score(SEEN + STEP + END, observed=True) == pytest.approx(0.8)


MARKS = [
    f"<{close}{tag}>"
    for close in ("", "/")
    for tag in ("step", "stop_analysis", "thought", "action", "action_input", "observation", "answer")
]


@given(st.lists(st.sampled_from([*MARKS, " ", "a", STEP, END, "<", ">"]), max_size=12).map("".join))
def test_any_text_has_a_score_in_fifths_and_only_whole_episodes_have_one(text: str) -> None:
    found = score(text)
    assert 5 * found == pytest.approx(round(5 * found))
    assert 0 <= found <= 1
    for tag in ("step", "stop_analysis", "thought", "action", "action_input", "observation", "answer"):
        if text.count(f"<{tag}>") != text.count(f"</{tag}>"):
            assert found < 1
    if not text.rstrip().endswith("</stop_analysis>"):
        assert found < 1


def test_hostile_texts_are_read_once() -> None:
    size = 100_000
    texts = ["<step>" * size, "<step><thought>" + "<" * size, "</step>" * size, "<think>" * size, STEP[:-7] + "<thought>" * size]
    assert all(value < 1 for value in structure(texts).tolist())
