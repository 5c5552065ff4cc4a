"""Findings as text: the table of the command, the page `docs/claims.md`, and the tables that other pages show of them.

A claim's words may come from another package or from a file: every cell is one line, and nothing in it is read as Markdown or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from thinkwell.claims.claim import CLAIMS
from thinkwell.claims.measure import Finding
from thinkwell.claims.trained import TOKENS, TRAINED
from thinkwell.runs.spec import parse_method

INTRO = """# Claims

What papers claim, measured on the lab: a 0.9 M parameter policy and its reward model, multi-step arithmetic in words. The setting of each claim was chosen from
the paper's logic and written into `src/thinkwell/claims/` before it was run. "holds": the whole 95 % interval (paired bootstrap over problems) is above the
threshold; "does not hold": all of it is at or below; else, and where no problem tells the arms apart, "undecided". Rows marked *control* are comparisons that the
paper does not make. A verdict speaks of this small model, not of the paper's. LeaP, SIFT, Solve-Detect-Verify, the critic and the team run on `lab-skills`, which
has learnt the form of their turns and most of their judgement (`thinkwell lab card`).

Measured is the first arm less the second, on the same problems: points for accuracies, percent of the second for tokens and scorer calls. Tokens are generated ones a problem,
first arm : second arm.

Recipes are judged by training runs of the same length from the same start: the mean of the last three evaluations of a run on held-out problems, never the best; at least
three seeds, intervals over seeds and problems.
"""
HEADING = (
    "| system | what it does | its paper's central claim | measured [95 %] | verdict | hold, undecided, do not | tokens against the control |",
    "|---|---|---|---|---|---|---|",
)
SMALL = 0.05  # a plain value whose interval lies below is shown with two digits that count
VOTE, GRPO = "self_consistency", "grpo"  # a plain vote, the control at equal tokens; and what recipes start from


def number(value: float, finding: Finding) -> str:
    """A value in the unit of its quantity: points for accuracies, percent for relative differences of tokens and calls, plain otherwise."""
    if finding.quantity.startswith("accuracy"):
        return f"{100 * value:+.1f}"
    if finding.quantity == TOKENS:
        return f"{round(value):+d}"
    if finding.quantity in ("tokens", "scorer_calls"):
        return f"{100 * value:+.1f} %"
    small = max(map(abs, (value, *(finding.ci95 or ())))) < SMALL
    return f"{value:+.2g}" if small and value else f"{value:+.2f}"


def measured(finding: Finding) -> str:
    """Mean and interval as text."""
    if finding.measured is None or finding.ci95 is None:
        return f"no value ({finding.errors} errors)" if finding.errors else "no value"
    low, high = finding.ci95
    return f"{number(finding.measured, finding)} [{number(low, finding)}, {number(high, finding)}]"


def markdown(findings: Sequence[Finding]) -> str:
    """The page: a table a paper, with the command that made it, each in a block of its own that can be filled again alone."""
    parts = (f"<!-- claims:{name} -->\n\n{paper(findings, name)}\n\n<!-- /claims:{name} -->" for name in names(findings))
    return "\n".join([INTRO, *(f"## {words(name)}\n\n{part}\n" for name, part in zip(names(findings), parts, strict=True))])


def names(findings: Sequence[Finding]) -> list[str]:
    """The papers that were measured, in order."""
    return list(dict.fromkeys(finding.name for finding in findings))


def paper(findings: Sequence[Finding], name: str) -> str:
    """One paper's claims: where they are from, the command, the table."""
    own = [finding for finding in findings if finding.name == name]
    rows = [
        "| claim | arms | paper | measured [95 %] | tokens | verdict |",
        "|---|---|---|---|---|---|",
        *(
            f"| {words(finding.claim)}{' *(control)*' if finding.control else ''} | {_arms(finding)} | {words(finding.paper_effect)} "
            f"| {measured(finding)} | {_tokens(finding)} | **{finding.verdict}** |"
            for finding in own
        ),
    ]
    said = (
        f"{words(own[0].paper)}. {code(own[0].command)}: {max(f.problems for f in own)} problems, {seeds(own[0])}, {own[0].seconds:.0f} s."
    )
    return "\n".join((said, "", *rows))


def seeds(finding: Finding) -> str:
    return f"seed {finding.seed}" if finding.seeds == 1 else f"seeds {finding.seed} to {finding.seed + finding.seeds - 1}"


def systems(findings: Sequence[Finding], links: dict[str, str]) -> str:
    """A row a system: what it does, its central claim as measured, how all its claims came out, and its tokens beside those of its control. links: name -> address of its page."""
    return "\n".join((*HEADING, *system_rows(findings, links).values()))


def system_rows(findings: Sequence[Finding], links: dict[str, str]) -> dict[str, str]:
    """Name -> its row of that table."""
    rows = {}
    for name in names(findings):
        own = [finding for finding in findings if finding.name == name]
        central = own[0]
        title = f"[{code(name)}]({links[name]})" if name in links else code(name)
        tally = " / ".join(str(sum(finding.verdict == verdict for finding in own)) for verdict in ("holds", "undecided", "does not hold"))
        effect = f"{measured(central)}{_unit(central)} | **{central.verdict}**"
        rows[name] = f"| {title} | {words(_summary(name))} | {words(central.claim)} | {effect} | {tally} | {cost(own)} |"
    return rows


def unmeasured_row(name: str, links: dict[str, str]) -> str:
    """The row of a recipe whose claims were not measured."""
    title = f"[{code(name)}]({links[name]})" if name in links else code(name)
    return f"| {title} | {words(_summary(name))} | {words(TRAINED.get(name).effects[0].claim)} | not measured yet | | | |"


def _summary(name: str) -> str:
    return TRAINED.get(name).summary if name in TRAINED.names() else CLAIMS.get(name).summary


def cost(findings: Sequence[Finding]) -> str:
    """A system's tokens as a multiple of its control's: the vote at the same ceiling, or a recipe's GRPO, where its paper's claims have one, else another control, else what
    its central claim compares it with."""
    beside = [finding for finding in findings if finding.right is not None]
    against = next((finding for finding in beside if finding.right in (VOTE, GRPO)), None)
    against = against or next((finding for finding in beside if finding.control), None) or next(iter(beside), None)
    if against is None or against.right is None or against.left_tokens is None or not against.right_tokens:
        return "-"
    ours, theirs, control = against.left_tokens, against.right_tokens, against.right
    if against.left.split(":")[0] != against.name:  # a claim such as "fewer tokens than" has the system on its right
        ours, theirs, control = theirs, ours, against.left
    if not theirs:
        return "-"
    return f"{ours / theirs:.2f}x {code(_apart(control, against.left if control == against.right else against.right))}"


def words(text: str) -> str:
    """Text as one line in which Markdown and HTML find nothing to read."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return re.sub(r"([\\`*\[\]<>|~&]|(?<!\w)_|_(?!\w))", r"\\\1", line)


def code(text: str) -> str:
    """Text as a code span of one line that also holds inside a table."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return "`" + line.replace("`", "'").replace("|", r"\|") + "`"


def _apart(arm: str, beside: str) -> str:
    """An arm's label without the knobs that it shares with another one of the same method."""
    (name, knobs), (other, shared) = parse_method(arm), parse_method(beside)
    own = {knob: value for knob, value in knobs.items() if name != other or shared.get(knob) != value}
    return (
        name
        + ":" * bool(own)
        + ",".join(f"{knob}={str(value).lower() if isinstance(value, bool) else value}" for knob, value in own.items())
    )


def _arms(finding: Finding) -> str:
    return code(finding.left) + ("" if finding.right is None else f" : {code(finding.right)}")


def _tokens(finding: Finding) -> str:
    sides = [finding.left_tokens] if finding.right is None else [finding.left_tokens, finding.right_tokens]
    return " : ".join("-" if side is None else f"{side:.0f}" for side in sides)


def _unit(finding: Finding) -> str:
    """What a value counts where its number does not say so: nothing for shares, which carry their %."""
    if finding.measured is None or finding.quantity in ("tokens", "scorer_calls"):
        return ""
    return " points" if finding.quantity.startswith("accuracy") else f" {words(finding.quantity.replace('_', ' '))}"
