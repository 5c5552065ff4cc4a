"""Take the answer out of what a model wrote. Linear in the text, never raises, judges nothing.

1. Only what comes after the thinking counts: after the last `</think>` (or `<|end_of_thought|>`). If the thinking never ends there is no answer, and
   the extraction says `truncated`, even when a complete box stands inside the thinking: the model had not committed to it. `unfinished="accept"` counts it.
   (A text that ends in a whole `<answer>...</answer>` has committed, whatever it did with its end mark.)
2. The last complete `\\boxed{}` (`\\fbox`, `\\framebox`) with balanced braces. If the last box was opened and not closed, the answer was cut: `truncated`,
   never an earlier box. An empty box states nothing and is passed over ("put it in \\boxed{}" after the answer does not erase it).
3. Without any box: `<answer>...</answer>`, then `#### N` or a line `A: N`, then the last "the answer is ..." / "Answer: ..."; for letters and labels also the last
   line, if it holds just one. There is no "last number in the text": it takes afterthoughts for answers.

Answers that rules decide (puzzles) may span lines: the last fenced block or the last box, whichever begins later; without either, `<answer>`, or the whole text if it
reads as an answer of those rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from thinkwell.answers import options as opt
from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import ThinkwellError
from thinkwell.core.rules import RULES

THINK_OPEN = ("<think>", "<|begin_of_thought|>")
THINK_CLOSE = ("</think>", "<|end_of_thought|>")
TAIL = 4000  # characters at the end of a text that are searched for an answer in words
LONG_TAIL = 250_000  # the same for the block of an answer that rules decide; far above what any of them reads

_TOKEN = re.compile(r"\\(?:boxed|fbox|framebox)(?![A-Za-z])\s*(?:(?P<open>\{)|(?P<bare>[-+]?[0-9][0-9.,]*))?|\\.|[{}]", re.DOTALL)
_ANSWER_AT_END = re.compile(r"<answer>(?:(?!<answer>).)*</answer>\s*$", re.DOTALL)
_FENCE = re.compile(r"^[ \t]{0,12}(?P<ticks>`{3,16})(?P<info>[^\n]*)\n?", re.MULTILINE)
_HASHES = re.compile(r"(?:####|^A:)[ \t]*([^\n]+)", re.MULTILINE)
_CUE = re.compile(r"\banswer(?:\s+is(?:\s*:)?|\s*[:=])[\s*_]*", re.IGNORECASE)
_NUMBER = re.compile(r"[\s$*(\\]{0,6}(?:boxed\{)?([-+]?(?:[0-9]+(?:,[0-9]+)*(?:\.[0-9]+)?|\.[0-9]+)(?:/[0-9]+)?)")
_DOLLARS = re.compile(r"\$([^$\n]+)\$|\\\((.+?)\\\)")
_MATHEMATICAL = re.compile(r"[0-9$\\=]|^[A-Z][a-z]*$|^[a-z]$")
_MORE_MATHEMATICS = re.compile(r"[0-9\\$=^_{}+*/<>()-]")
_SENTENCE = re.compile(r"[.!?]?\s*(?:\n|$)|[.!?]\s+(?=[A-Z])")
_CUED_LETTER = re.compile(
    r"[\s*_$\\({\[]{0,8}(?:(?i:option|choice)\s+[({\[]?)?(?:(?:text|textbf|mathrm|mathbf)\{)?\(?([A-Z])(?![A-Za-z0-9'])", re.ASCII
)
_BRACED_LETTER = re.compile(r"\(([A-Za-z])\)")
_ARTICLE_FOLLOWS = re.compile(r"\s+(?!(?:because|since|as|is|and|with|which|for)\b)[a-z]")


@dataclass(frozen=True, slots=True)
class Extraction:
    """`text` is the answer as written, None if there is none; `truncated` says that the text was cut before one."""

    text: str | None
    truncated: bool = False


NOTHING = Extraction(None)
CUT = Extraction(None, truncated=True)


def extract(
    text: str,
    kind: AnswerKind | str = AnswerKind.MATH,
    options: Sequence[str] = (),
    *,
    thinking: bool = False,
    unfinished: Literal["truncated", "accept"] = "truncated",
    finished: bool = True,
) -> Extraction:
    """The answer in `text`.

    thinking: the prompt had already opened the thinking, so a text without an end mark is unfinished thinking. unfinished: what a thinking that never ends
    yields (see above). finished: False if generation was cut (length, budget); then an answer in words that touches the end is not trusted to be whole.
    """
    kind = AnswerKind(kind)
    answer_part, open_ended = after_thinking(text, thinking)
    if open_ended and unfinished == "truncated":
        return CUT
    if kind is AnswerKind.RULES:
        return _ruled(answer_part[-LONG_TAIL:], options, finished)
    boxed = last_box(answer_part)
    marked = boxed if boxed is not None else _tagged(answer_part)
    if marked is not None:
        return _named(marked, kind, options)
    tail = answer_part[-TAIL:].rstrip()
    found = _IN_WORDS[kind](tail, options)
    if found is None:
        return NOTHING if finished else CUT
    answer, end = found
    return CUT if not finished and end >= len(tail) else Extraction(answer)


def after_thinking(text: str, thinking: bool = False) -> tuple[str, bool]:
    """(what follows the thinking, is the thinking still open?). Without any mark the whole text follows it, unless `thinking`."""
    closed = max(text.rfind(mark) for mark in THINK_CLOSE)
    opened = max(text.rfind(mark) for mark in THINK_OPEN)
    if closed < 0 and (thinking or opened >= 0):
        committed = _ANSWER_AT_END.search(text[max(opened, 0) :][-TAIL:])
        return (committed[0], False) if committed else (text, True)
    if closed < 0:
        return text, False
    if opened > closed:
        return text[opened:], True
    return text[text.index(">", closed) + 1 :], False


def last_box(text: str) -> Extraction | None:
    """The last box, `CUT` if it is not closed, None if there is none (or only empty ones)."""
    return _last_box_at(text)[0]


def last_block(text: str) -> Extraction | None:
    """The content of the last fenced block, `CUT` if it is not closed, None if there is none. The opening fence stands at the start of a line."""
    return _last_block_at(text)[0]


def _last_block_at(text: str) -> tuple[Extraction | None, int]:
    """The same, and where its fence begins (-1 for none)."""
    found: tuple[Extraction | None, int] = None, -1
    position = 0
    while (fence := _FENCE.search(text, position)) is not None:
        first_line = fence["info"]
        if fence["ticks"] in first_line:  # the whole block on one line
            inside, _, _ = first_line.partition(fence["ticks"])
            found = Extraction(inside.strip()), fence.start()
            position = fence.end()
            continue
        closed = text.find(fence["ticks"], fence.end())
        if closed < 0:
            return CUT, fence.start()
        found = Extraction(text[fence.end() : closed].strip("\r\n")), fence.start()
        end = text.find("\n", closed)
        position = end if end >= 0 else len(text)
    return found


def _ruled(text: str, options: Sequence[str], finished: bool) -> Extraction:
    """A block inside a box, or a box inside a block, begins later than what holds it, and is taken."""
    block, block_at = _last_block_at(text)
    box, box_at = _last_box_at(text)
    marked = max((block_at, block), (box_at, box), key=lambda found: found[0])[1] or _tagged(text)
    if marked is not None:
        return marked
    try:
        rules = RULES.get(options[0]) if options else None
    except ThinkwellError:  # an unknown puzzle: grading says so
        rules = None
    whole = text.strip()
    if finished and whole and rules is not None and len(text) < LONG_TAIL and rules.form_of(whole) is not None:
        return Extraction(whole)
    return NOTHING if finished else CUT


def _last_box_at(text: str) -> tuple[Extraction | None, int]:
    """The last box, as `last_box`, and where its command begins (-1 for none)."""
    first = min((at for command in ("\\boxed", "\\fbox", "\\framebox") if (at := text.find(command)) >= 0), default=-1)
    if first < 0:
        return None, -1
    stack: list[tuple[int, int]] = []  # (start, start of content or -1 for a plain brace)
    complete: list[tuple[int, int, int]] = []  # outermost closed boxes: start, start and end of content
    for token in _TOKEN.finditer(text, first):
        start, end = token.span()
        if token["open"]:
            stack.append((start, end))
        elif token["bare"]:
            complete.append((start, token.start("bare"), end))
        elif token[0] == "{":
            stack.append((start, -1))
        elif token[0] == "}" and stack:
            opened, content = stack.pop()
            if content >= 0:
                while complete and complete[-1][0] > opened:
                    complete.pop()
                complete.append((opened, content, start))
    unclosed = max((start for start, content in stack if content >= 0), default=-1)
    if unclosed >= 0 and (not complete or unclosed > complete[-1][0]):
        return CUT, unclosed
    for start, begin, end in reversed(complete):
        inside = text[begin:end].strip()
        if inside.strip("~\\ "):
            return Extraction(inside.rstrip(".,") if inside[0].isdigit() else inside), start
    return None, -1


def _named(marked: Extraction, kind: AnswerKind, options: Sequence[str]) -> Extraction:
    """A box may hold a sentence about a letter or label ("the answer is C"): take that, else leave the box as it is."""
    if marked.text is None or kind not in (AnswerKind.CHOICE, AnswerKind.LABEL):
        return marked
    named = opt.letter(marked.text, options) if kind is AnswerKind.CHOICE else opt.label(marked.text, options)
    if named is None and (found := _IN_WORDS[kind](marked.text[-TAIL:], options)):
        named = found[0]
    return Extraction(named) if named is not None else marked


def _tagged(text: str) -> Extraction | None:
    """<answer>...</answer>: the last one, cut if it is not closed."""
    opened = text.rfind("<answer>")
    if opened < 0:
        return None
    closed = text.find("</answer>", opened)
    if closed < 0:
        return CUT
    content = text[opened + len("<answer>") : closed].strip()
    return Extraction(content) if content else None


Found = tuple[str, int] | None


def _last_cue(tail: str) -> int:
    """Where the text after the last answer cue begins, -1 if there is none."""
    end = -1
    for match in _CUE.finditer(tail):
        end = match.end()
    return end if end < len(tail) else -1


def _hashes(tail: str) -> Found:
    found: Found = None
    for match in _HASHES.finditer(tail):
        found = (match[1].strip(), match.end())
    return found


def _sentence(tail: str, start: int) -> Found:
    match = _SENTENCE.search(tail, start)
    end = match.start() if match else len(tail)
    content = tail[start:end].strip().strip("*_").strip()
    return (content, match.end() if match and match[0].strip(" ") else end) if content else None


def _integer(tail: str, _: Sequence[str]) -> Found:
    if found := _hashes(tail):
        return found
    cue = _last_cue(tail)
    match = _NUMBER.match(tail, cue) if cue >= 0 else None
    return (match[1], match.end()) if match else None


def _math(tail: str, _: Sequence[str]) -> Found:
    if found := _hashes(tail):
        return found
    cue = _last_cue(tail)
    if cue < 0:
        return None
    if dollars := _DOLLARS.match(tail, cue):
        return dollars[1] or dollars[2], dollars.end()
    stated = _sentence(tail, cue)
    if stated is None or not _MATHEMATICAL.search(stated[0]):  # "the answer is unclear" states nothing, and must not vote
        return None
    stated = stated[0].rpartition(" is ")[2], stated[1]
    number = _NUMBER.match(stated[0])
    return (number[1], stated[1]) if number and not _MORE_MATHEMATICS.search(stated[0], number.end()) else stated


def _choice(tail: str, options: Sequence[str]) -> Found:
    cue = _last_cue(tail)
    if cue >= 0:
        match = _CUED_LETTER.match(tail, cue)
        if match and not (
            match[1] in "AI" and tail[match.start() : match.end()].strip() == match[1] and _ARTICLE_FOLLOWS.match(tail, match.end())
        ):
            return match[1], match.end() + len(tail[match.end() : match.end() + 1].strip())
        if (braced := _BRACED_LETTER.match(tail, cue)) is not None:
            return braced[1].upper(), braced.end()
        stated = _sentence(tail, cue)
        if stated and (named := opt.letter(stated[0], options)):
            return named, stated[1]
    line = tail.rpartition("\n")[2].strip()
    if line and (named := opt.letter(line, options)):
        return named, len(tail)
    letters = {match[1].upper() for match in _BRACED_LETTER.finditer(line)}
    return (letters.pop(), len(tail)) if len(letters) == 1 else None


def _label(tail: str, options: Sequence[str]) -> Found:
    cue = _last_cue(tail)
    if cue >= 0 and (stated := _sentence(tail, cue)) and (named := opt.label(stated[0], options)):
        return named, stated[1]
    line = tail.rpartition("\n")[2].strip()
    if named := opt.label(line, options):
        return named, len(tail)
    words = "|".join(re.escape(word) for word in opt.label_words(options))
    match = re.search(rf"(?:\bis|:|=)[\s*_\"'(]{{0,6}}({words})[\s*_\"').!]{{0,6}}$", line, re.IGNORECASE)  # "is not true" does not match
    return (opt.label(match[1], options) or match[1], len(tail)) if match else None


def _span(tail: str, _: Sequence[str]) -> Found:
    cue = _last_cue(tail)
    if cue >= 0 and tail[:cue].rstrip(" *_").endswith(":"):  # "Answer: Warner Bros. Records" goes on to the end of the line
        line, newline, _ = tail[cue:].partition("\n")
        return (line.strip(" *_").removesuffix("."), cue + len(line) + len(newline)) if line.strip(" *_.") else None
    if cue >= 0:
        return _sentence(tail, cue)
    stripped = tail.strip()
    return (stripped.rstrip("."), len(tail)) if stripped and "\n" not in stripped and len(stripped) <= 200 else None


_IN_WORDS = {
    AnswerKind.INTEGER: _integer,
    AnswerKind.MATH: _math,
    AnswerKind.CHOICE: _choice,
    AnswerKind.LABEL: _label,
    AnswerKind.SPAN: _span,
}
