r"""What the agents of `multi_agent` say to each other: CEO, recruiter, solver, critics, evaluator; and how their replies are read.

A reply is read after its thinking. What it must hold and does not (a decision, a list of experts, a verdict) makes it unreadable: None, which the
method counts. (The original takes a decision without the word "continue" for a stop, and a critic without a tag for one who agrees.) A text that is
quoted to another agent loses the marks that could end its frame, the verdict tags of critics, and its boxes: "\boxed{7}" is shown as "7".

The lab's skills: five turns, each with its own last line. All replies but the solver's come at once, "</think>\n\n" first.
The examples are about "Ann has 5 apples. Ann gets 7 apples from Ben. How many apples does Ann have now?" ({question}), solved wrongly:

    {solution}   the whole trace without think marks and boxes, `quoted(trace.text)`:
                 "Ann starts with 5 apples.\n\nAnn gets 7 more: 5 + 7 = 13.\n\nSo Ann has 13 apples. 13"
    {mend}       "The right step: Ann gets 7 more: 5 + 7 = 12.": the plan's sentence with the gold values (`Step.say` with "{x}" as "5 + 7 = 12") for the
                 step that went wrong for good, the smallest i with `labels.label(...)[j].solvable` False for all j >= i; for a distractor that was
                 added in `Distractor.deny` with the gold running value

    ceo          user   {question}\n\nNo solution.\n\nNow continue or stop?
                 user   {question}\n\nOne solution:\n\n{solution}\n\n{mend}\n\nNow continue or stop?     ("{mend}\n\n" may be missing)
                 reply  "So stop."                       if there is a solution and its boxed answer is right
                 reply  "So continue: team 2, short."    else; team 2 up to level 4, 3 up to level 7, 4 above; short up to level 4, long above
    recruiter    user   {question}\n\nNow find 3 roles.
                 reply  "1. solver\n2. critic of steps\n3. critic of facts", as many lines as asked for (2 to 4). The first is always "solver". Then
                        "critic of facts" if `LabProblem.traps` has a tricky phrase, "critic of conditions" if it has "distractor", "critic of steps",
                        and after these the ones left out, facts before conditions
    solver       user   {question}                                                          the first time
                 user   {question}\n\nOne solution:\n\n{solution}\n\n1: {mend}\n2: {mend}\n\nNow solve it again.    a line for each critic who disagrees
                 reply  a trace as ever, with thinking; the second time the steps before the wrong one as they were, the right step, the rest of the
                        plan done right, "</think>", the answer
    critic       user   {question}\n\nOne solution:\n\n{solution}\n\nLet the critic of steps check: agree or disagree?     (or another critic's name)
                 reply  "Yes, agree."                    if the solution's boxed answer is right
                 reply  "No, disagree. {mend}"           else, whatever the critic's speciality: any mistake counts
    evaluator    user   {question}\n\nOne solution:\n\n{solution}\n\nLet the expert verify: is it correct?
                        ("The tool says: 5 + 7 = 12.\n\n" may stand before the last paragraph: the calculations that are wrong, put right, joined by
                        ", "; or "The tool says: correct.")
                 reply  "Yes, correct."                  if the solution's boxed answer is right
                 reply  "No. {mend}"                     else
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from thinkwell.core.prompt import Message
from thinkwell.methods.wording._inert import inert, settled, unboxed

TAGS = ("problem", "solution", "advice", "messages", "message", "result", "resources", "team")
MOST_TEXT = 300  # characters of a role or a recruiting hint: they are names, not essays


@dataclass(frozen=True, slots=True)
class Decision:
    """The CEO's. n_experts and max_tokens are as it wrote them, None where it did not; the method holds them to its limits."""

    go_on: bool
    n_experts: int | None = None
    direction: str = ""
    max_tokens: int | None = None
    long: bool | None = None  # the lab's way to say max_tokens


@dataclass(frozen=True, slots=True)
class Review:
    """A critic's. `agrees` None: it gave no verdict (its answer may still be compared)."""

    agrees: bool | None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    correct: bool
    advice: str = ""
    recruiting: str = ""


@dataclass(frozen=True, slots=True)
class Wording:
    """Templates; each names its fields in braces. `no_...` stand where there is nothing yet.

    whole_solution: agents see the thinking of a solution too, since what follows it says too little to be judged. again: the solver's later turns.
    message: one line of a discussion.
    """

    ceo: str
    recruiter: str
    solver: str
    again: str
    critic: str
    evaluator: str
    message: str
    solution: str = "{solution}"
    advice: str = "{advice}"
    result: str = "{result}"
    right_sums: str = "correct."
    wrong_sums: str = "{sums}."
    resources: str = "{resources}"
    no_solution: str = "No solution yet."
    no_advice: str = "No advice yet."
    no_result: str = ""
    no_resources: str = "None yet."
    default_roles: tuple[str, ...] = ()
    whole_solution: bool = False
    lab: bool = False

    def say(self, number: int, speaker: str, text: str) -> str:
        """One message of a discussion."""
        fields = {"number": str(number), "speaker": speaker, "text": text}
        return re.sub(r"\{(number|speaker|text)\}", lambda found: fields[found[1]], self.message)

    def turn(self, template: str, **fields: str) -> list[Message]:
        """One user turn. Fields are put in side by side: braces inside a quoted text stay text."""
        text = re.sub(r"\{([a-z_]+)\}", lambda found: fields[found[1]], template)
        return [{"role": "user", "content": re.sub(r"\n{3,}", "\n\n", text).strip()}]


_CEO = """You lead a team of agents that solve a problem together: a recruiter names the experts, a solver writes a solution, critics review \
it, an evaluator judges it. Follow its progress, decide whether the work goes on, how many experts work on it, what they should look at, and \
how many tokens each may write.

<problem>
{question}
</problem>

{solution}

{advice}

{resources}

Stop only if there is a solution and it is correct. Use 2 or 3 experts for an ordinary problem and {most_experts} for a complex one, never \
more than {most_experts}. Choose the tokens of each agent from {token_choices}, few for an easy problem and many for a hard one. Do not \
solve the problem.

End with exactly these four lines:
Decision: Continue or Stop
Recruit Number: a number of experts
Direction: one or two sentences to the team
Maximum Tokens: a number of tokens"""

_RECRUITER = """You recruit experts for a problem. Do not solve it.

<problem>
{question}
</problem>

{advice}

Name {n} experts who complement one another. Say for each its discipline, its field and its special skill in one line. The first of them \
will write the solution, the others will review it.

Answer with a numbered list of {n} lines:
1. ...
2. ..."""

_SOLVER = """You are {role}. You work with other experts on this problem.

{advice}

{question}"""

_AGAIN = """You are {role}. You work with other experts on this problem.

{question}

{solution}

{messages}

Weigh what the others say, it may be right or wrong. Then write the whole solution anew, with the final answer in \\boxed{}."""

_CRITIC = """You are {role}. You review a solution that another expert wrote.

<problem>
{question}
</problem>

{messages}

{solution}

First solve the problem yourself and put your own final answer in \\boxed{}. Then compare your answer and your reasoning with the solution. \
If it is wrong, say in a few sentences where and why.

End with one line: [Agree] if the solution is right, else [Disagree]."""

_EVALUATOR = """You judge the solution that a team of experts wrote.

<team>
{roles}
</team>

<problem>
{question}
</problem>

{solution}

{result}

Check the solution step by step. End with exactly these three lines:
Correctness: 1 if the solution is correct, else 0
Advice: why it is right, or how to mend it
Recruiting: which experts the team should have"""

_FRAMES = {
    "solution": "<solution>\n{solution}\n</solution>",
    "advice": "<advice>\n{advice}\n</advice>",
    "result": "<result>\n{result}\n</result>",
    "right_sums": "A tool has done the calculations of the solution again: all are correct.",
    "wrong_sums": "A tool has done the calculations of the solution again. Some are wrong; right is: {sums}.",
    "resources": "Team and tokens of the last round: {resources}",
    "default_roles": ("a careful mathematician", "a critic of calculations", "a critic of how the problem is read", "a critic of logic"),
}
_LAB = Wording(
    ceo="{question}\n\n{solution}\n\n{advice}\n\nNow continue or stop?",
    recruiter="{question}\n\nNow find {n} roles.",
    solver="{question}",
    again="{question}\n\n{solution}\n\n{messages}\n\nNow solve it again.",
    critic="{question}\n\n{solution}\n\nLet the {role} check: agree or disagree?",
    evaluator="{question}\n\n{solution}\n\n{result}\n\nLet the expert verify: is it correct?",
    message="{number}: {text}",
    solution="One solution:\n\n{solution}",
    result="The tool says: {result}",
    no_solution="No solution.",
    no_advice="",
    no_resources="",
    default_roles=("solver", "critic of steps", "critic of facts", "critic of conditions"),
    whole_solution=True,
    lab=True,
)
_TALK = '<message from="{speaker}">\n{text}\n</message>'

WORDINGS: dict[str, Wording] = {
    "instruct": Wording(_CEO, _RECRUITER, _SOLVER, _AGAIN, _CRITIC, _EVALUATOR, _TALK, **_FRAMES),  # type: ignore[arg-type]
    "reasoning": Wording(_CEO, _RECRUITER, _SOLVER, _AGAIN, _CRITIC, _EVALUATOR, _TALK, **_FRAMES),  # type: ignore[arg-type]
    "lab": _LAB,
}

_VERDICT_TAG = re.compile(r"\[\s{0,3}(agree|disagree)\s{0,3}\]", re.IGNORECASE)
_FRAME_TAG = re.compile(r"</?\s{0,3}(?:" + "|".join(TAGS) + r")\b[^<>]{0,400}>", re.IGNORECASE)
_HEADING = re.compile(
    r"^[ \t#*_>\-\d.)(]{0,12}(decision|recruit number|direction|maximum tokens|correctness|advice|recruiting)[ \t*_]{0,6}(?::|$)[ \t*_]{0,6}",
    re.IGNORECASE | re.MULTILINE,
)
_ITEM = re.compile(r"^[ \t*_]{0,6}(\d{1,2})[ \t*_]{0,4}[.):][ \t*_]{0,6}(\S[^\n]*)$", re.MULTILINE)
_LAB_CEO = re.compile(r"^(?:So )?continue\b(?::? ?team (\d{1,2}))?(?:, ?(short|long)\b)?", re.IGNORECASE)
_LAB_STOP = re.compile(r"^(?:So )?stop\b", re.IGNORECASE)
_LAB_NO = re.compile(r"^no\b[, ]*(?:disagree\b)?[. ]*", re.IGNORECASE)


def quoted(text: str) -> str:
    """A text that can be shown to another agent: nothing in it ends its frame, speaks a verdict or states a boxed answer."""
    return settled(text, lambda left: _VERDICT_TAG.sub(" ", _FRAME_TAG.sub(" ", unboxed(inert(left, TAGS)))))


def read_decision(said: str, lab: bool = False) -> Decision | None:
    """The CEO's decision; None where it decides neither to continue nor to stop."""
    if lab:
        if _LAB_STOP.match(said):
            return Decision(go_on=False)
        found = _LAB_CEO.match(said)
        return Decision(True, int(found[1]) if found[1] else None, long=found[2] == "long" if found[2] else None) if found else None
    part = _parts(said)
    decided = re.search(r"\b(continue|stop)\b", part.get("decision", ""), re.IGNORECASE)
    if decided is None:
        return None
    return Decision(
        decided[1].lower() == "continue", _integer(part.get("recruit number", "")), part.get("direction", ""), _integer(part.get("maximum tokens", ""))
    )  # fmt: skip


def read_roles(said: str, n: int) -> tuple[str, ...] | None:
    """The first `n` items of a numbered list, as names that differ; None where there are fewer. A role that is named twice gets its place as a suffix."""
    items = [quoted(text)[:MOST_TEXT].replace("\n", " ").replace('"', "'").strip(" *_") for _, text in _ITEM.findall(said)[:n]]
    return distinct(items) if len(items) == n and all(items) else None


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The names with " (2)" and so on added where one occurs again: agents are told apart by them."""
    given: list[str] = []
    for name in names:
        again = 2
        unique = name
        while unique in given:
            unique, again = f"{name} ({again})", again + 1
        given.append(unique)
    return tuple(given)


def read_review(said: str, lab: bool = False) -> Review:
    """A critic's verdict (its last tag counts) and comment; one who agrees has nothing to say."""
    if lab:
        if re.match(r"yes\b", said, re.IGNORECASE):
            return Review(True)
        no = _LAB_NO.match(said)
        return Review(False, quoted(said[no.end() :])) if no else Review(None, quoted(said))
    tags = [tag.lower() for tag in _VERDICT_TAG.findall(said)]
    agrees = None if not tags else tags[-1] == "agree"
    return Review(agrees, "" if agrees else quoted(said))


def read_evaluation(said: str, lab: bool = False) -> Evaluation | None:
    """The evaluator's verdict; None where it gave none."""
    if lab:
        if re.match(r"yes\b", said, re.IGNORECASE):
            return Evaluation(True)
        no = _LAB_NO.match(said)
        return Evaluation(False, quoted(said[no.end() :])) if no else None
    part = _parts(said)
    verdict = re.match(r"\W{0,4}(0|1|true|false|yes|no)\b", part.get("correctness", ""), re.IGNORECASE)
    if verdict is None:
        return None
    return Evaluation(verdict[1].lower() in ("1", "true", "yes"), part.get("advice", ""), part.get("recruiting", "")[:MOST_TEXT])


def _parts(said: str) -> dict[str, str]:
    """What stands under each heading, to the next one; of a heading that occurs twice the last."""
    found = list(_HEADING.finditer(said))
    ends = [heading.start() for heading in found[1:]] + [len(said)]
    return {heading[1].lower(): quoted(said[heading.end() : end]) for heading, end in zip(found, ends, strict=False)}


def _integer(text: str) -> int | None:
    """The first whole number of at most nine digits, commas between thousands allowed."""
    found = re.search(r"(?<![\d.,])\d{1,9}(?:,\d{3}){0,2}(?!\d|[.,]\d)", text)
    return int(found[0].replace(",", "")) if found else None
