"""A scripted model that solves, verifies and refines, each turn told apart by its words."""

from __future__ import annotations

from dataclasses import replace

from thinkwell.core.prompt import Preset
from thinkwell.engines.scripted import Ask

LONG = Preset("toy", 1, "{question}", max_tokens=400, typical_tokens=40)
LAB = replace(LONG, name="lab")
TRACE = "Awaiting nothing: 3 + 4 = 7. Wait, waiting is 7. Hmm, so 7.</think>\n\nIt is \\boxed{7}"


def talker(solution=TRACE, verdicts=("\\boxed{-1}",), slow=("\\boxed{-1}",), refined="</think>\n\n\\boxed{9}"):
    """A model that writes `solution`, then whatever it is asked: the i-th fast, slow or refined reply in order."""
    counts = {"fast": 0, "slow": 0, "refined": 0}

    def nth(kind: str, replies) -> str:
        counts[kind] += 1
        replies = (replies,) if isinstance(replies, str) else replies
        return replies[(counts[kind] - 1) % len(replies)]

    def script(ask: Ask) -> str:
        if "Your task is to review" in ask.prompt or "first wrong step" in ask.prompt:
            if "</think>" in ask.so_far:
                return nth("fast", verdicts)
            return "hmm.</think>\n\n" + nth("slow", slow)
        if "[Previous Solution]" in ask.prompt or "solve it again" in ask.prompt:
            return nth("refined", refined)
        if solution.startswith(ask.so_far):
            return solution[len(ask.so_far) :]
        return "It is \\boxed{7}"  # the thinking was closed for it

    script.counts = counts
    return script
