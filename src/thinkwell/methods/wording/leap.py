r"""What learning from peers writes into a path, and how a summary is read back. The paper's scheme, in words of our own.

A block in the middle of the thinking is: a trigger (recap sentence and the opening of a summary, put in), the rest of the summary (the model's), the closing mark, a
comment frame with the peers' summaries, and a bridge (all put in); then the path goes on. Marks are plain text, no tokens of their own.

The lab's skills. Both happen inside one assistant turn, after some steps of thinking; the user turn is the question alone.

1. *summarise*. Put in, after a step's blank line: `Summary:`. The ideal reply lists the calculation that the path stands by for each plan step it has come to, in plan
   order, bare values as bare values, separated by ", " and closed by "." and a blank line. What was taken back is left out; what is wrong and not yet noticed stays in, a
   distractor that was added in among it:

    Summary: 12, 12 + 5 = 17, 17 - 3 = 15.\n\n

   Truth needed: the path's own text (`labels.label` finds the last claim for each plan step).

2. *use peers' comments*. Put in after the summary: the frame and the bridge,

    [ comments: peer 1: 12, 12 + 5 = 17, 17 - 3 = 14, 14 * 2 = 28. peer 2: 12, 12 + 5 = 17. ]\n\nLet me check the comments:

   The ideal reply ends the sentence, with a blank line after it. If a peer has the path's first wrong step right, it states that step rightly and does the steps after it
   again; else it says its latest calculation once more and goes on with the next step:

     that is wrong: 17 - 3 = 14.\n\nDouble it: 14 * 2 = 28.\n\n</think>\n\nThe answer is 28. \boxed{28}
     17 - 3 = 14. Yes.\n\nDouble it: 14 * 2 = 28.\n\n ...

   A comment is never taken over where it differs from a right step, and what no peer has right is not noticed. With nobody left to comment, `[ no comments. ]` and a blank
   line are put in without a bridge, and the path simply goes on.
   Truth needed: the gold value of each plan step (`world.LabProblem.plan`), and the calculations in the comments.

Frames carry no loss: train on what the model writes. `thinkwell.lab.skills.leap.write_talk` writes such traces, `keep` filters them as the paper does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Wording:
    """Texts of one kind of model. `{number}` and `{summary}` are filled in."""

    explain: str
    """Added to the user turn for models that were not trained for it."""
    prefill: str
    """The start of such a model's thinking, in its voice."""
    recaps: tuple[str, ...]
    """One of them announces a summary."""
    openings: tuple[str, ...]
    """One of them opens it: `summary_open` and perhaps the first words."""
    summary_open: str
    summary_close: str
    cut_mark: str
    """Written where a summary reached its ceiling."""
    comments_open: str
    peer: str
    between: str
    comments_close: str
    bridge: str
    """Leads from the comments back to the path's own thinking."""
    nobody: str
    """In place of the frame and the bridge when nobody has written a summary."""
    marks: tuple[str, ...]
    """Strings that a frame is built from: taken out of every summary before it is shown to a peer."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary as it was read. ended: a stop string closed it (else its ceiling or the end of the text did). blank: the model added nothing to the opening."""

    text: str
    ended: bool
    blank: bool


EXAMPLE = (
    "<summarize> In short, my current conclusions are that both numbers can be written in base ten, 21_b = 2b + 1 and 84_b = 8b + 4, so the second is four times the first "
    "for every base b > 8. What is left is to count these bases. </summarize>"
)
_TAGS = Wording(
    explain=(
        "\n\nSeveral peers work on this problem side by side. Whenever you have intermediate results, sum them up between <summarize> and </summarize>; you then receive "
        f"your peers' summaries between <comment> and </comment>. For example:\n\n{EXAMPLE} <comment> Your peers' summaries stand here. </comment>\n\n"
        "Then go on reasoning, and give the final answer in the form that was asked for."
    ),
    prefill=(
        "Okay, this is a hard problem, and I am to sum up between tags what I have concluded whenever there are intermediate results. For example:\n\n"
        f"{EXAMPLE}\n\nNow, back to the problem itself.\n\n"
    ),
    recaps=(
        "Alright, let me step back and briefly sum up what I have so far.",
        "Wait, let me quickly recap my conclusions up to here.",
        "Okay, a short look at what I have concluded will help me to go on.",
        "Hmm, a quick summary may make the rest of my reasoning easier.",
        "Hold on, I should state the key points in brief to be sure that I am on the right track.",
        "Okay, before I continue, let me put my findings together in a few words.",
        "So, it is time to bring everything found so far into a short summary.",
    ),
    openings=(
        " <summarize> In short, my current conclusions are that",
        " <summarize> To sum up, from my reasoning so far I have found that",
        " <summarize> In conclusion, the key results at this point are",
        " <summarize> In brief, I have concluded up to now that",
        " <summarize> To sum up, my latest findings are",
        " <summarize> In conclusion, the insights and results I have gathered are",
    ),
    summary_open="<summarize>",
    summary_close="</summarize>",
    cut_mark="... ",
    comments_open=" <comment> ",
    peer='Peer {number}: "{summary}"',
    between="\n",
    comments_close=" </comment>\n\n",
    bridge="Hmm, my peers have commented. Before I go on with my own reasoning, let me check whether any of their conclusions differ from mine.",
    nobody=" <comment> No comments </comment>\n\nHmm, there are no comments, so let me go on reasoning.",
    marks=("<summarize>", "</summarize>", "<comment>", "</comment>"),
)
_LAB = Wording(
    explain="",
    prefill="",
    recaps=("",),
    openings=("Summary:",),
    summary_open="Summary:",
    summary_close="\n\n",
    cut_mark=".",
    comments_open="[ comments: ",
    peer="peer {number}: {summary}",
    between=" ",
    comments_close=" ]\n\n",
    bridge="Let me check the comments:",
    nobody="[ no comments. ]\n\n",
    marks=("[", "]", "Summary:"),
)
WORDINGS: dict[Literal["instruct", "reasoning", "lab"], Wording] = {"instruct": _TAGS, "reasoning": _TAGS, "lab": _LAB}


def read_summary(opening: str, reply: str, stopped: bool, wording: Wording) -> Summary:
    """The summary that `reply` completes, with the words that the opening had given it. `stopped`: generation ended at a stop string.

    A closing mark that was begun and cut by the ceiling is no part of the text.
    """
    begun = begun_mark(reply, wording.summary_close)
    added = reply[: len(reply) - begun]
    text = opening.partition(wording.summary_open)[2] + added
    return Summary(text.strip(), stopped or begun > 0, not added.strip())


def closing(reply: str, stopped: bool, wording: Wording) -> str:
    """What to write after the model's part of a summary: the closing mark, the rest of one that was begun, or a mark that it was cut and the closing mark."""
    mark = wording.summary_close
    begun = begun_mark(reply, mark)
    if begun:
        return mark[begun:]
    space = "" if not mark.strip() or reply.endswith((" ", "\n")) else " "
    return (space if stopped else wording.cut_mark) + mark


def begun_mark(text: str, mark: str) -> int:
    """How many characters of `mark` stand at the end of `text` (0: none; one alone counts for a mark of white space only, as "<" may be mathematics)."""
    least = 1 if not mark.strip() else 2
    return next((n for n in range(len(mark), least - 1, -1) if text.endswith(mark[:n])), 0)


def comments(summaries: Sequence[str], wording: Wording) -> str:
    """The frame with the chosen summaries, numbered from 1 so that nobody is named; `nobody` where there are none. The bridge is part of it."""
    if not summaries:
        return wording.nobody
    shown = (wording.peer.replace("{number}", str(i)).replace("{summary}", text) for i, text in enumerate(summaries, 1))
    return wording.comments_open + wording.between.join(shown) + wording.comments_close + wording.bridge


def frame_length(wording: Wording) -> int:
    """Characters that a block without comments puts into a path at most."""
    longest = max(map(len, wording.recaps)) + max(map(len, wording.openings))
    return longest + len(wording.cut_mark + wording.summary_close + wording.nobody)
