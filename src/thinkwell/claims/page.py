"""Findings as text: the table of the command, and the page `docs/claims.md`."""

from __future__ import annotations

from collections.abc import Sequence

from thinkwell.claims.measure import Finding

INTRO = """# Claims

What papers claim, measured on the lab: a 0.9 M parameter policy and its reward model, multi-step arithmetic in words. The setting of each claim was chosen from
the paper's logic and written into `src/thinkwell/claims/` before it was run. "holds": the whole 95 % interval (paired bootstrap over problems) is above the
threshold; "does not hold": all of it is at or below; else "undecided". Rows marked *control* are comparisons that the paper does not make. A verdict speaks of
this small model, not of the paper's. LeaP, SIFT, Solve-Detect-Verify, the critic and the team run on `lab-skills`, which has learnt the form of their turns and
half of their judgement (`thinkwell lab card`).
"""


def number(value: float, finding: Finding) -> str:
    """A value in the unit of its quantity: points for accuracies, percent for relative differences of tokens and calls, plain otherwise."""
    if finding.quantity == "accuracy":
        return f"{100 * value:+.1f}"
    return f"{100 * value:+.1f} %" if finding.quantity in ("tokens", "scorer_calls") else f"{value:+.2f}"


def measured(finding: Finding) -> str:
    """Mean and interval as text."""
    if finding.measured is None or finding.ci95 is None:
        return f"no value ({finding.errors} errors)" if finding.errors else "no value"
    low, high = finding.ci95
    return f"{number(finding.measured, finding)} [{number(low, finding)}, {number(high, finding)}]"


def markdown(findings: Sequence[Finding]) -> str:
    """The page: a table a paper, with the command that made it."""
    parts = [INTRO]
    for name in dict.fromkeys(finding.name for finding in findings):
        own = [finding for finding in findings if finding.name == name]
        parts.append(
            f"## {name}\n\n{own[0].paper}. `{own[0].command}`: {max(f.problems for f in own)} problems, seed {own[0].seed}, {own[0].seconds:.0f} s.\n\n"
            "| claim | paper | measured [95 %] | verdict |\n|---|---|---|---|\n"
            + "\n".join(
                f"| {finding.claim}{' *(control)*' if finding.control else ''} | {finding.paper_effect} | {measured(finding)} | **{finding.verdict}** |"
                for finding in own
            )
            + "\n"
        )
    return "\n".join(parts)
