"""An independent judge of tic-tac-toe moves, written from the rules alone, with boards as texts."""

from __future__ import annotations

from functools import cache

from thinkwell.tasks.puzzle import Item

LINES = {
    9: ("012", "345", "678", "036", "147", "258", "048", "246"),
    16: ("0123", "4567", "89ab", "cdef", "048c", "159d", "26ae", "37bf", "05af", "369c"),
}


def check(answer: str, item: Item) -> bool:
    before, after = "".join(item.meta["board"]), "".join(char for char in answer.upper() if char in "XO.")
    player = "X" if before.count("X") == before.count("O") else "O"
    rival = "XO".replace(player, "")
    legal = successors(before, player)
    if after not in legal:
        return False
    if any(winner(board) for board in legal):
        return winner(after) == player
    threats = [cell for cell, sign in enumerate(before) if sign == "." and winner(before[:cell] + rival + before[cell + 1 :])]
    if threats:
        return any(after[cell] == player for cell in threats)
    return outcome(after, rival, player) == max(outcome(board, rival, player) for board in legal)


def successors(board: str, sign: str) -> list[str]:
    return [board[:cell] + sign + board[cell + 1 :] for cell, old in enumerate(board) if old == "."]


@cache
def winner(board: str) -> str:
    return next((sign for sign in "XO" for line in LINES[len(board)] if all(board[int(cell, 16)] == sign for cell in line)), "")


@cache
def outcome(board: str, to_move: str, player: str) -> int:
    won = winner(board)
    if won or "." not in board:
        return 0 if not won else 1 if won == player else -1
    values = [outcome(after, "XO".replace(to_move, ""), player) for after in successors(board, to_move)]
    return max(values) if to_move == player else min(values)
