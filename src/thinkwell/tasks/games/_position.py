"""Puzzles from positions of a `Board`: knobs, generator, judge and solver that the four games share; each game's own file adds its board."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.games._engine import Board, ForkMode, Verdict
from thinkwell.tasks.games._shown import PLAYERS, read_history, stones_text, svg, tell
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Redraw, Refused, Score, ask
from thinkwell.tasks.reading import moves

TRIES = 60  # histories of a draw
DEAR_TRIES = 15  # the same where each is searched deeply
FREE = {"win": 1, "blocked": 1, "fork": 3, "deep": 5}  # points that are free at least

LEVELS = {"easy": {"verdict": "win"}, "medium": {"verdict": "blocked"}, "hard": {"verdict": "fork"}}


class GameConfig(Knobs):
    points: ClassVar[int]
    needed: ClassVar[int]  # stones of a winning set
    deepest: ClassVar[int] = 5  # own stones that are still searched in bounded time

    verdict: Verdict = "win"
    """What the position asks for: win (complete a set), blocked (stop the opponent), fork (threaten twice), deep (win by force in more stones)."""
    min_stones: int = Field(2, ge=0, le=24)
    """Fewest stones on the board, from 0; a verdict that needs more has more."""
    max_stones: int | None = Field(None, ge=1, le=24)
    """Most stones on the board, below the number of points; None: as many as the verdict leaves room for."""
    max_solutions: int = Field(3, ge=1, le=24)
    """Most right moves, 1 to 24."""
    unique_only: bool = False
    """Positions with exactly one right move only."""
    play: Literal["random", "heuristic"] = "random"
    """How histories are played: at random, or by players that win when they can and block when they must."""
    fork_mode: ForkMode = "make"
    """make: a fork item asks for a double threat of one's own; make_or_prevent: or, where there is none, for a move that keeps the opponent from one."""
    own_stones: int = Field(3, ge=3, le=5)
    """For deep: stones within which the win must be forced, 3 to 5 (a fork needs 2)."""
    show_board: bool = False
    """Draw the board and its stones as text in the prompt too."""

    @property
    def stones(self) -> tuple[int, int]:
        """Fewest and most stones on the board, as the knobs and the verdict together allow."""
        theirs = self.verdict == "blocked" or (self.verdict == "fork" and self.fork_mode == "make_or_prevent")
        least = 0 if self.verdict == "deep" else 2 * self.needed - 2 - theirs  # the opponent can be a stone ahead
        most = self.points - FREE[self.verdict]
        return max(self.min_stones, least), most if self.max_stones is None else min(self.max_stones, most)

    @model_validator(mode="after")
    def _possible(self) -> GameConfig:
        if self.max_stones is not None and self.max_stones >= self.points:
            raise ValueError(f"max_stones={self.max_stones} leaves no free point of {self.points}; expected at most {self.points - 1}")
        if self.max_stones is not None and self.min_stones > self.max_stones:
            raise ValueError(f"min_stones={self.min_stones} is above max_stones={self.max_stones}")
        fewest, most = self.stones
        if self.min_stones > most:
            raise ValueError(f"min_stones={self.min_stones} is too many for verdict={self.verdict}; expected at most {most}")
        if fewest > most:
            raise ValueError(f"max_stones={self.max_stones} is too few for verdict={self.verdict}; expected at least {fewest}")
        if self.verdict == "deep" and self.own_stones > self.deepest:
            raise ValueError(f"own_stones={self.own_stones} cannot be searched on {self.points} points; expected at most {self.deepest}")
        if self.verdict == "deep" and self.fork_mode != "make":
            raise ValueError("verdict=deep goes with fork_mode=make: preventing a fork and a longer win would both be right")
        return self


def generate(rng: random.Random, config: GameConfig, board: Board, openings: Sequence[str], example: str) -> Drawn:
    """Play histories until one ends in a position of the wanted label. The moves must read back from the told text.

    How many stones there are is drawn first and kept: drawn with each history, it would mostly be small, and those positions are few.
    """
    deep = config.verdict == "deep"
    own_stones = config.own_stones if deep else 0
    most = 1 if config.unique_only else config.max_solutions
    count = rng.randint(*config.stones)
    for _ in range(DEAR_TRIES if deep else TRIES):
        history = board.played(rng, count, sensible=config.play == "heuristic")
        if history is None:
            continue
        mine, theirs = board.stones(history)
        verdict, right = board.label(mine, theirs, config.fork_mode, own_stones, most)
        if verdict == config.verdict and right.bit_count() <= most:
            break
    else:
        raise Redraw
    told = tell(board, history)
    if read_history(board, told) != history:
        raise AssertionError(f"{told!r} does not read as the moves that it tells")
    mover = PLAYERS[len(history) % 2]
    rules = f"{board.geometry}\n\n{TURNS} {board.goal}\n\n{_right_moves(config, mover)}"
    drawing = f"\n\nThe points:\n{board.picture}\n\nThe stones (W white, B black, * no stone):\n{stones_text(board, history)}"
    told = f"The moves so far: {told or 'none.'}{drawing if config.show_board else ''}\n\nWhere should {mover} play next?"
    prompt = ask(rng.choice(openings), rules, told, FORM, example)
    solutions = board.names(right)
    meta = {
        "history": [board.labels[point] for point in history],
        "next_player": mover,
        "verdict": verdict,
        "solutions": solutions,
        "is_unique_solution": len(solutions) == 1,
        "fork_mode": config.fork_mode,
        "own_stones": own_stones,
    }
    return Drawn(prompt, solutions[0], meta, board.canonical(mine, theirs))


def verify(answer: str, item: Item, board: Board) -> Score:
    """Is the point one of the right ones? If not, the reason says what the move lacks. An item of a file may lack its history."""
    point = form(answer, board)
    solutions, verdict = item.meta["solutions"], item.meta["verdict"]
    if point in solutions:
        return RIGHT
    if not item.meta.get("history"):  # an item of a file whose moves could not be read
        raise Refused(f"{point} is not among the best moves")
    history = [board.labels.index(label) for label in item.meta["history"]]
    mover, other = PLAYERS[len(history) % 2], PLAYERS[1 - len(history) % 2]
    if point in item.meta["history"]:
        raise Refused(f"{point} is taken")
    if verdict == "win":
        raise Refused(f"{mover} could win at once, but not at {point}")
    mine, theirs = board.stones(history)
    mine |= board.mask(point)
    if verdict == "blocked":
        raise Refused(f"after {mover} plays at {point}, {other} wins at {' or '.join(board.names(board.completing(theirs, mine)))}")
    if verdict == "deep":
        raise Refused(f"after {mover} plays at {point}, a win within {item.meta['own_stones']} own stones cannot be forced")
    if board.forking(mine & ~board.mask(point), theirs):
        raise Refused(f"after {mover} plays at {point}, {board.completing(mine, theirs).bit_count()} points would win; two are needed")
    raise Refused(f"after {mover} plays at {point}, {other} can win by force")


def solve(item: Item, board: Board) -> str:
    """Plain minimax on sets of labels, as deep as the label needs: the first move of the best value."""
    lines = [frozenset(line) for line in board.lines]
    of_point = {point: [line for line in lines if point in line] for point in board.labels}
    players = [frozenset(item.meta["history"][first::2]) for first in (0, 1)]
    turn = len(item.meta["history"]) % 2
    depth = {"win": 1, "blocked": 2, "fork": 3, "deep": 2 * item.meta["own_stones"] - 1}[item.meta["verdict"]]

    def value(mine: frozenset[str], theirs: frozenset[str], plies: int) -> int:
        """1, 0 or -1 for a win, neither or a loss of the player to move within so many stones."""
        free = [point for point in board.labels if point not in mine and point not in theirs]
        if any(line <= mine | {point} for point in free for line in of_point[point]):
            return 1
        if plies == 1 or not free:
            return 0
        best = -1
        for point in free:
            best = max(best, -value(theirs, mine | {point}, plies - 1))
            if best == 1:
                break
        return best

    def worth(point: str, plies: int) -> int:
        mine, theirs = players[turn] | {point}, players[1 - turn]
        if any(line <= mine for line in of_point[point]):
            return 1
        return -value(theirs, mine, plies - 1) if plies > 1 else 0

    free = [point for point in board.labels if point not in players[0] | players[1]]
    if item.meta["verdict"] == "fork" and item.meta["fork_mode"] == "make_or_prevent" and max(worth(point, 3) for point in free) < 1:
        depth = 4  # nothing to make: the opponent's fork and the stone after it must be seen
    return max(free, key=lambda point: worth(point, depth))


def form(answer: str, board: Board) -> str:
    """The one point that is named, in upper case."""
    named = moves(answer.strip().removesuffix("."), board.labels)
    if len(named) != 1:
        raise Refused(f"{len(named)} points are named where one is expected")
    return named[0]


def draw(item: Item, board: Board) -> str:
    return svg(board, [board.labels.index(label) for label in item.meta["history"]])


def texts(item: Item, board: Board) -> tuple[str, str]:
    """The board as text with its labels, and with its stones."""
    return board.picture, stones_text(board, [board.labels.index(label) for label in item.meta["history"]])


def _right_moves(config: GameConfig, mover: str) -> str:
    other = PLAYERS[1 - PLAYERS.index(mover)]
    aims = [
        "it wins at once",
        f"it takes the point at which {other} would otherwise win with the next stone",
        f"after it there are two or more points at which {mover} would win with one more stone, so that {other} cannot take them all",
    ]
    if config.fork_mode == "make_or_prevent":
        aims.append(f"after it {other} cannot win by force with two stones, although with another move of {mover} that would be possible")
    if config.verdict == "deep":
        aims.append(f"{mover} can win by force, whatever {other} does, with at most {config.own_stones} stones, the one asked for included")
    listed = "; ".join(f"({number}) {aim}" for number, aim in enumerate(aims, 1))
    return (
        f"{mover}'s next move is right if it reaches the first of these aims that can be reached: {listed}. "
        "Earlier moves may have been bad; only the position counts. If several moves are right, any of them is accepted."
    )


TURNS = (
    "Alice has white stones and begins, Bob has black stones. In turn each puts one stone on a free point; stones are never moved or taken."
)
FORM = "one capital letter, the name of a free point."
