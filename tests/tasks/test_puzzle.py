"""Around the puzzles: lazy loading, sealed references, where an answer is read, the paper's rule, mixes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from thinkwell.answers.extract import CUT, Extraction, extract, last_block
from thinkwell.answers.grade import grade
from thinkwell.core.answer import VerdictValue
from thinkwell.core.errors import ConfigError, UnknownName
from thinkwell.core.rules import RULES, unseal
from thinkwell.tasks import TASKS, load
from thinkwell.tasks.catalogue import END, START, renew
from thinkwell.tasks.mix import category_of
from thinkwell.tasks.puzzle import Item, is_test

TASK = load("puzzles/countdown")
ITEM = TASK.item(0, 0)


def test_asking_for_one_puzzle_imports_no_other() -> None:
    code = (
        "import sys; from thinkwell.tasks import TASKS, load; assert 'puzzles/sudoku' in TASKS.names(); load('puzzles/countdown'); "
        "print([name for name in sys.modules if name.startswith('thinkwell.tasks.puzzles.') and name.count('.') == 4])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['thinkwell.tasks.puzzles.arithmetic.countdown']"


def test_names_come_from_files_and_an_unknown_one_offers_the_nearest() -> None:
    assert RULES.home("puzzles/sudoku") == "thinkwell.tasks.puzzles.grid.sudoku"
    assert category_of("puzzles/sudoku") == "grid"
    assert set(RULES.names()) <= set(TASKS.names())
    with pytest.raises(UnknownName, match="puzzles/sudoku"):
        load("puzzles/sudko")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\n```\n1 2\n3\n```\nb", Extraction("1 2\n3")),
        ("```python\nx\n```\n```text\ny\n```", Extraction("y")),
        ("```7```", Extraction("7")),
        ("  ````\n```\n````", Extraction("```")),
        ("```\nx\n```\n```\ny", CUT),
        ("use ``` inside a line", None),
        ("nothing", None),
    ],
)
def test_the_last_fenced_block_is_read(text: str, found: Extraction | None) -> None:
    assert last_block(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```\n1\n```\n\\boxed{2}", "2"),
        ("\\boxed{2}\n```\n1\n```", "1"),
        ("```\n\\boxed{2}\n```", "2"),
        ("<think>\n```\n1\n```\n</think>\n<answer>3 + 4</answer>", "3 + 4"),
        ("```\n1\n```\n\\boxed{2", None),
        ("3 + 4", "3 + 4"),  # reads as an answer of these rules
        ("I think that it is 3 + 4", None),
    ],
)
def test_of_blocks_and_boxes_the_later_one_is_the_answer(text: str, found: str | None) -> None:
    assert extract(text, "rules", ("puzzles/countdown",)).text == found


def test_a_reference_is_enough_to_grade() -> None:
    sealed = TASK.problem(ITEM).reference
    assert sealed is not None
    assert unseal(sealed)["answer"] == ITEM.answer
    assert grade(f"```\n{ITEM.answer}\n```", sealed, "rules").value is VerdictValue.CORRECT
    assert grade("```\n1 + 1\n```", sealed, "rules").value is VerdictValue.WRONG
    assert grade("```\n1 + 1\n```", "no sealed item", "rules").value is VerdictValue.ERROR
    assert grade("```\n1 + 1\n```", json.dumps({"rules": "puzzles/absent", "answer": "1"}), "rules").value is VerdictValue.ERROR


def test_votes_are_grouped_by_the_puzzle_s_form() -> None:
    assert TASK.puzzle.form_of("((2 + 3)) * 4") == TASK.puzzle.form_of("(2+3) × 4 = 20")
    assert TASK.puzzle.form_of("2 + + 3") is None


def test_the_paper_s_rule_differs_where_the_original_did() -> None:
    item = Item("puzzles/countdown", "arithmetic", "easy", "", "", "3 * 4 + 6 / 2", "", {"numbers": [3, 4, 6, 2], "target": 15})
    assert TASK.verify("```\n3 * 4 + 6 / 2 = 15\n```", item).right
    assert not TASK.verify("```\n3 * 4 + 6 / 2 = 15\n```", item, "paper").right  # an equation is no expression to it
    halves = replace(item, meta={"numbers": [3, 2, 4, 6, 6], "target": 9})
    fraction = "```\n3 / 2 * (4 + 6) - 6\n```"  # right but for its first step, which the prompt forbids
    assert "is 3/2" in TASK.verify(fraction, halves).reason
    assert TASK.verify(fraction, halves, "paper").right


def test_a_knob_overrides_its_level_and_an_impossible_one_is_refused() -> None:
    assert len(load("puzzles/countdown", level="hard", count=3, min_target=20).item(0, 0).meta["numbers"]) == 3
    with pytest.raises(ConfigError, match="54"):
        load("puzzles/sudoku", max_holes=60)
    one_board = {"count": 2, "largest": 2, "min_target": 4, "max_target": 4}
    other = "train" if is_test("[2, 2] 4") else "test"
    with pytest.raises(ConfigError, match=f"no {other} item"):
        load("puzzles/countdown", split=other, **one_board).item(0, 0)


def test_the_table_of_a_page_is_renewed_in_place() -> None:
    page = renew(f"before\n{START}\nold\n{END}\nafter")
    assert page.startswith("before\n") and page.endswith(f"{END}\nafter")  # noqa: PT018
    assert "`puzzles/sudoku`" in page
    assert "\nold\n" not in page
    assert renew(page) == page
    with pytest.raises(ValueError, match="no lines"):
        renew("nothing")
