"""Words as token ids: which ids a vocabulary has for a marker word, and by which ids it closes a thinking.

A word has several ids: at the start of a line, after a space, capitalised; or none, where the vocabulary cuts it into pieces. An id that does not
exist must never be guessed: indexing logits by nothing biases everything alike, that is nothing at all, and the unknown token is a real one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from thinkwell.core.errors import ConfigError
from thinkwell.core.method import Vocabulary

LINE, SENTENCE = "\n", "."  # what stands before a word: some vocabularies treat the very start of a text as if a space stood there
SHORTEST_PIECE = 3  # letters: a shorter first piece begins too many other words
AROUND = ("", "\n", "\n\n", " ", ".")  # what may melt with the pieces of a closing mark


@dataclass(frozen=True, slots=True)
class Markers:
    """found: text -> id, a space before the text where the token has one. missing: variants that the vocabulary has no token for."""

    found: dict[str, int]
    missing: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(sorted(set(self.found.values())))


async def markers_of(
    vocabulary: Vocabulary, words: Iterable[str], *, space_variants: bool = False, case_variants: bool = False, first_pieces: bool = False
) -> Markers:
    """The ids of `words`, as they are written at the start of a line.

    space_variants: also after a space. case_variants: also in lower case and capitalised. first_pieces: where a word is cut, take its first piece.
    Raises `ConfigError` for a word of which no variant is a token.
    """
    found: dict[str, int] = {}
    missing: list[str] = []
    for word in words:
        if not word.strip() or word != word.strip():
            raise ConfigError(
                f"{word!r} is no marker word; expected letters without spaces around them. Spaces are the knob space_variants."
            )
        cases = dict.fromkeys((word, word.lower(), word[0].upper() + word[1:].lower()) if case_variants else (word,))
        variants = [*cases, *(f" {case}" for case in cases if space_variants)]
        able = 0
        for variant in variants:
            token = await token_of(vocabulary, variant, first_pieces)
            if token is None:
                missing.append(variant)
            else:
                found[variant] = token
                able += 1
        if not able:
            raise ConfigError(
                f"this vocabulary has no token for {', '.join(map(repr, variants))} ({word!r} is cut into {await pieces_of(vocabulary, word)}); expected "
                "one for every marker word. Name other words, or set space_variants, case_variants or first_pieces to true."
            )
    if not found:
        raise ConfigError("no marker words were named; expected at least one, for example words=[Wait].")
    return Markers(found, tuple(missing))


async def token_of(vocabulary: Vocabulary, text: str, first_piece: bool = False) -> int | None:
    """The id that writes `text` (with `first_piece`: or begins it) in the middle of a text, None if none does."""
    before, ids = await _after(vocabulary, text)
    if not ids:
        return None
    start = len(await vocabulary.decode(before))
    piece = (await vocabulary.decode((*before, ids[0])))[start:].strip()
    if len(ids) == 1:
        return ids[0] if piece == text.strip() else None
    begins = first_piece and len(piece) >= SHORTEST_PIECE and text.strip().startswith(piece)
    return ids[0] if begins else None


async def pieces_of(vocabulary: Vocabulary, text: str) -> list[str]:
    """How the vocabulary cuts a text, for messages."""
    before, ids = await _after(vocabulary, text)
    ends = [len(await vocabulary.decode((*before, *ids[:n]))) for n in range(len(ids) + 1)]
    whole = await vocabulary.decode((*before, *ids))
    return [whole[start:end] for start, end in pairwise(ends)]


async def closings_of(vocabulary: Vocabulary, mark: str) -> tuple[tuple[int, ...], ...]:
    """The id sequences that a closing mark can have been written as: one, where it is a token of its own; else one for each neighbourhood."""
    if not mark:
        return ()
    alone = await vocabulary.encode(mark)
    if len(alone) == 1:
        return (tuple(alone),)
    found: dict[tuple[int, ...], None] = {}
    for before in AROUND:
        for after in AROUND:
            ids, lead = tuple(await vocabulary.encode(before + mark + after)), tuple(await vocabulary.encode(before))
            found[ids[len(lead) :] if ids[: len(lead)] == lead else ids] = None
    whole = sorted(found, key=len)
    return tuple(seq for n, seq in enumerate(whole) if not any(_inside(other, seq) for other in whole[:n]))


async def _after(vocabulary: Vocabulary, text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ids of what stands before a text, and its own after it."""
    anchor = SENTENCE if text.startswith(" ") else LINE
    before, whole = tuple(await vocabulary.encode(anchor)), tuple(await vocabulary.encode(anchor + text))
    return (before, whole[len(before) :]) if whole[: len(before)] == before else ((), tuple(await vocabulary.encode(text)))


def _inside(short: tuple[int, ...], long: tuple[int, ...]) -> bool:
    return any(long[place : place + len(short)] == short for place in range(len(long) - len(short) + 1))
