"""TTT-Bench (arXiv 2506.10209; amd/TTT-Bench, Apache-2.0): the best next move in four games with stones, its own files of some hundred positions.

Layout: `problem`, `solution` (one to three letters, "A, C"), `is_unique_solution`, `verdict` (win, blocked, fork), `next_player`, `currect_board_visualization` (spelt so),
`board_visualization`, `problem_number`. Every letter of `solution` is right; the game is known by the number of labelled points (9, 15, 12, 25). Endless items of the same
kind are `games/ottt` and its neighbours, whose rules judge these files too; `as_row` writes an item of theirs in this layout.

The prompt asks for no format, so the preset asks for a box: a letter at the end of a sentence could be the article "A" or the word "I", and is not read.
"""

from __future__ import annotations

import re
from typing import Any

from thinkwell.core.answer import AnswerKind
from thinkwell.core.problem import Problem
from thinkwell.core.rules import seal
from thinkwell.tasks import TASKS
from thinkwell.tasks.puzzle import Item
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import Hub, NoKnobs, Read, Recognise, Task, problem_id

GAMES = {9: "ottt", 15: "dttt", 12: "cttt", 25: "sttt"}
CONFIGS = {"ottt": "oTTT", "dttt": "dTTT", "cttt": "cTTT", "sttt": "sTTT"}
LEVEL_OF = {"win": "easy", "blocked": "medium", "fork": "hard"}


def game_of(row: Row) -> str | None:
    """The game of a row by the labels in its picture, None if it is none of the four."""
    return GAMES.get(len(set(re.findall(r"\b[A-Y]\b", str(row.get("board_visualization") or "")))))


def as_row(item: Item, number: int) -> dict[str, Any]:
    """An item of `games/...` as a row of such a file; `number` counts from 0."""
    from thinkwell.tasks.games._position import texts

    labels, stones = texts(item, _board(item.task.rpartition("/")[2]))
    return {
        "problem": item.prompt,
        "solution": ", ".join(item.meta["solutions"]),
        "is_unique_solution": item.meta["is_unique_solution"],
        "verdict": item.meta["verdict"],
        "next_player": item.meta["next_player"],
        "currect_board_visualization": stones,
        "board_visualization": labels,
        "problem_number": number,
    }


def _board(game: str) -> Any:
    from thinkwell.tasks.games import cttt, dttt, ottt, sttt

    return {"ottt": ottt.BOARD, "dttt": dttt.BOARD, "cttt": cttt.FACES, "sttt": sttt.BOARD}[game]


def _read(game: str) -> Read:
    def read(row: Row, knobs: NoKnobs, seed: int) -> Problem:
        if (found := game_of(row)) is not None and found != game:
            raise row.error(f"is a position of {found}", f"one of {game} is expected")
        question, verdict = row.text("problem"), str(row.get("verdict") or "")
        board = _board(game)
        solutions = [part.strip() for part in row.text("solution").split(",")]
        if any(label not in tuple(board.labels) for label in solutions):
            raise row.error(
                f"has the solution {row.text('solution')[:40]!r}", f"points of {board.labels} are expected, separated by commas"
            )
        label, history = _own_label(game, question, solutions) or (verdict, [])  # without moves, a refusal gives no particular reason
        meta = {"solutions": solutions, "verdict": label, "history": history}
        sealed = seal(f"games/{game}", solutions[0], {"level": LEVEL_OF.get(verdict, ""), "meta": meta})
        facts: dict[str, Any] = {"game": game, "verdict": verdict, "unique": len(solutions) == 1, "level": LEVEL_OF.get(verdict, "")}
        return Problem(problem_id(f"ttt_bench_{game}", question), question, sealed, AnswerKind.RULES, (f"games/{game}",), meta=facts)

    return read


def _own_label(game: str, question: str, solutions: list[str]) -> tuple[str, list[str]] | None:
    """Our label of the position that the text tells, and its moves, if our right moves are the file's; None if they are not, or if the text does not read."""
    from thinkwell.tasks.games._shown import read_history

    board = _board(game)
    try:
        history = read_history(board, question)
    except ValueError:
        return None
    label, right = board.label(*board.stones(history))
    return (label, [board.labels[point] for point in history]) if set(board.names(right)) == set(solutions) else None


def _recognise(game: str) -> Recognise:
    def recognise(hint: str, row: Row) -> bool:
        return row.get("next_player") in ("Alice", "Bob") and row.get("problem") is not None and game_of(row) == game

    return recognise


for _game, _config in CONFIGS.items():
    _name = f"ttt_bench_{_game}"
    _summary = f"TTT-Bench, {_config}: the best next move"
    TASKS.add(_name)(
        Task(_name, AnswerKind.RULES, _summary, "boxed@1", _read(_game), _recognise(_game), Hub("amd/TTT-Bench", "test", _config))
    )
