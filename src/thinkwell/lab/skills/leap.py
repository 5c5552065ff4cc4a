"""Traces in which a solver sums up what it has and uses its peers' comments (LeaP-T), written by an oracle and filtered as in the paper.

The texts and the two skills are described in `thinkwell.methods.wording.leap`. The oracle stops a natural trace between two steps, writes its summary, gives it
summaries of peers that were stopped elsewhere in natural traces of the same problem, and goes on as one who checks: a wrong step is put right if a peer has it right (a
comment that is wrong where the path is right changes nothing; where nobody has it right, nothing is noticed). Kept is what ends in the right answer with summaries of less
than 256 tokens.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from thinkwell.lab.labels import Statement, label
from thinkwell.lab.skills.conversation import Conversation, Piece, Solution, gold, shown
from thinkwell.lab.trace import NATURAL, STEP_END, THINK_CLOSE, Style, Trace, write, write_on
from thinkwell.lab.world import LabProblem
from thinkwell.methods.wording.leap import WORDINGS, comments

SUMMARY_TOKENS = 256  # a trace with a summary of so many tokens is not learnt from
NOBODY = 0.08  # share of blocks in which nobody is left to comment
MOST_PEERS = 4
PUT_RIGHT, TRIES = 0.4, 8
WRONG = " that is wrong:"  # begins the reply of one who has found a wrong step
LAB = WORDINGS["lab"]

Standing = Mapping[float, Statement]
"""What a path stands by: plan step -> its calculation. A number added in that does not belong in stands half a step after the step before it."""


@dataclass(frozen=True)
class TalkedTrace:
    """A trace with blocks. Its pieces joined are what follows `<think>\\n`, up to the end-of-turn token."""

    pieces: tuple[Piece, ...]
    summaries: tuple[str, ...]
    answer: int

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def write_talk(problem: LabProblem, rng: random.Random, style: Style = NATURAL, blocks: int = 1) -> TalkedTrace:
    """A trace of this problem with up to `blocks` blocks (fewer where it ends before them), right or wrong."""
    trace, own = write(problem, rng, style), ""
    pieces: list[Piece] = []
    summaries: list[str] = []
    for _ in range(blocks):
        if not trace.lines:
            break
        cut = rng.randint(1, len(trace.lines))
        before = "".join(line.text + STEP_END for line in trace.lines[:cut])
        own += before
        mine = standing(problem, own)
        if not mine:
            break
        peers = [] if rng.random() < NOBODY else [peer(problem, rng, style) for _ in range(rng.randint(1, MOST_PEERS))]
        step = found(problem, mine, peers)
        reply = "" if not peers else agreed(mine) if step is None else corrected(problem, step)
        summaries.append(summary(mine))
        shown = comments([summary(theirs).strip() for theirs in peers], LAB)
        pieces += [Piece(before, True), Piece(LAB.openings[0], False), Piece(summaries[-1], True), Piece(shown, False)]
        pieces += [Piece(reply, True)] if reply else []
        own += LAB.bridge + reply if reply else ""
        trace = goes_on(problem, mine, step, rng, style)
    pieces.append(Piece(trace.thinking + THINK_CLOSE + trace.solution, True))
    return TalkedTrace(tuple(pieces), tuple(summaries), trace.answer)


def keep(trace: TalkedTrace, problem: LabProblem, count: Callable[[str], int], most: int = SUMMARY_TOKENS) -> bool:
    """The paper's filter: the final answer is right, and every summary has less than `most` tokens. `count`: tokens of a text."""
    return trace.answer == problem.answer and all(count(text) < most for text in trace.summaries)


def peer(problem: LabProblem, rng: random.Random, style: Style = NATURAL) -> Standing:
    """What another solver stands by, stopped anywhere in its thinking."""
    lines = write(problem, rng, style).lines
    return standing(problem, "".join(line.text + STEP_END for line in lines[: rng.randint(1, len(lines))]))


def standing(problem: LabProblem, text: str) -> Standing:
    """The calculation that `text` (its own words, without frames) stands by for each plan step it has come to, in plan order."""
    stands: dict[float, Statement] = {}
    last = -1.0
    for step in label(problem, text):
        said = step.statement
        if said is None or not step.changes:
            continue
        if step.plan is None:
            last += 0.5 if last == int(last) else 0
            stands[last] = said  # a distractor added in
            continue
        last = float(step.plan)
        bare = said.op == "=" and problem.plan[step.plan].op != "="  # a correction that names the value alone: the calculation stands
        kept = stands.get(last)
        stands = {at: other for at, other in stands.items() if at < last}
        stands[last] = kept if kept is not None and bare and kept.value == said.value else said
    return dict(sorted(stands.items()))


def summary(stands: Standing) -> str:
    """The ideal summary: what follows `Summary:`."""
    return " " + ", ".join(shown(said) for said in stands.values()) + "." + LAB.summary_close


def found(problem: LabProblem, mine: Standing, peers: Sequence[Standing]) -> int | None:
    """The plan step to put right: the first thing that is wrong, if it can be seen from a peer that has it right. None if there is none, or nobody has."""
    for at, said in mine.items():
        step = int(at)
        if at != step:  # added in: seen from a peer that has gone on without it
            seen = any(at not in theirs and max(theirs, default=-1) > at and is_right(problem, step, theirs) for theirs in peers)
            return step if seen else None
        if said.value != problem.plan[step].value:
            return step if any(is_right(problem, step, theirs) for theirs in peers) else None
    return None


def is_right(problem: LabProblem, step: int, stands: Standing) -> bool:
    return step in stands and stands[step].value == problem.plan[step].value


def agreed(mine: Standing) -> str:
    """The reply of one who finds nothing to put right: the latest calculation once more."""
    return f" {shown(mine[max(mine)])}. Yes." + STEP_END


def corrected(problem: LabProblem, step: int) -> str:
    """The reply of one who has found a wrong step."""
    return f"{WRONG} {shown(gold(problem, step))}." + STEP_END


def goes_on(problem: LabProblem, mine: Standing, step: int | None, rng: random.Random, style: Style) -> Trace:
    """The rest of the trace: from the values stated, or from the right ones up to `step` after that was put right."""
    if step is not None:
        return write_on(problem, {i: problem.plan[i].value for i in range(step + 1)}, step + 1, rng, style)
    values: dict[int, int] = {}
    for at, said in mine.items():
        values[problem.running[int(at)] if at != int(at) else int(at)] = said.value
    return write_on(problem, values, int(max(mine)) + 1, rng, style)


def talk(rng: random.Random, solution: Solution) -> Conversation | None:
    """A trace with one or two blocks, right or wrong: the paper's filter is left out, or these traces would make the model solve better than the others teach it to.

    `PUT_RIGHT` of them are sought among a few for one in which a mistake is put right: by themselves these are so rare that agreeing is all that is learnt.
    """
    sought = rng.random() < PUT_RIGHT
    for _ in range(TRIES if sought else 1):
        trace = write_talk(solution.problem, rng, blocks=rng.choice((1, 1, 2)))
        if any(piece.text.startswith(WRONG) for piece in trace.pieces):
            break
    return Conversation((solution.problem.question,), trace.pieces) if trace.summaries else None
