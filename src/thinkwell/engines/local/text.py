"""From ids to text while tokens arrive: characters that span tokens, stop strings that span tokens, live streaming.

Ids are the truth. Text of new ids is what decoding adds after the ids before them, so word-boundary rules and byte-level characters come out right;
a character whose bytes are not complete yet is left to the tokens that complete it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

BROKEN = "\ufffd"  # what decoding gives for the bytes of an unfinished character
CONTEXT = 8  # ids decoded before the new ones


class Vocabulary:
    """A Hugging Face tokenizer as the scheduler needs it."""

    def __init__(self, tokenizer: Any, size: int) -> None:
        self.tokenizer, self.size = tokenizer, size
        # The wrapper around a fast tokenizer converts every id in Python, which costs as much as decoding itself.
        self._fast = getattr(tokenizer, "backend_tokenizer", None)
        self._bytes = bytes_of_ids(self._fast, size)
        self.enders = lru_cache(maxsize=256)(self._enders)
        self.base = lru_cache(maxsize=1024)(self.decode)  # paths of one problem begin alike
        self._pieces: list[str] | None = None

    def decode(self, ids: Sequence[int]) -> str:
        if self._bytes is not None and len(ids) > 1:
            try:
                return b"".join(itemgetter(*ids)(self._bytes)).decode()
            except UnicodeDecodeError:
                pass  # an unfinished character: tokenizers differ in what they show for it
        if self._fast is not None:
            return str(self._fast.decode(list(ids), skip_special_tokens=False))
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def added(self, before: Sequence[int], ids: Sequence[int], final: bool = False) -> str:
        """The text that `ids` add after `before`. An unfinished character at the end is left out unless `final`."""
        if not ids:
            return ""
        context = before[-CONTEXT:]
        base = self.base(tuple(context))
        whole = self.decode([*context, *ids])
        if not whole.startswith(base):  # the new ids complete a character that the context had begun
            base = base.rstrip(BROKEN)
        text = whole[len(base) :]
        return text if final else text.rstrip(BROKEN)

    def pieces_of(self, before: Sequence[int], ids: Sequence[int], tail: int) -> list[str]:
        """The text that each id adds; all but the last `tail` ids are lumped into the first piece (telling them apart would cost a decode each)."""
        head = max(0, len(ids) - tail)
        pieces = [self.added(before, ids[:head]), *[""] * (head - 1)] if head else []
        seen = len(pieces[0]) if head else 0
        for end in range(head + 1, len(ids) + 1):
            text = self.added(before, ids[:end])
            pieces.append(text[seen:])
            seen = max(seen, len(text))
        return pieces

    def _enders(self, stop: tuple[str, ...]) -> frozenset[int]:
        """Ids after which a stop string may just have been completed: those whose text holds the last character of one."""
        if not stop:
            return frozenset()
        last = {string[-1] for string in stop}
        if any(not character.isascii() for character in last):
            last.add(BROKEN)  # the character may be completed by any byte token
        return frozenset(index for index, piece in enumerate(self.pieces) if not last.isdisjoint(piece))

    @property
    def pieces(self) -> list[str]:
        """Every id's characters, both at the start of a text and after another token (decoders treat word boundaries differently there)."""
        if self._pieces is None:
            anchor = self.size // 2
            base = len(self.decode([anchor]))
            alone = self.tokenizer.batch_decode(
                [[i] for i in range(self.size)], skip_special_tokens=False, clean_up_tokenization_spaces=False
            )
            after = self.tokenizer.batch_decode(
                [[anchor, i] for i in range(self.size)], skip_special_tokens=False, clean_up_tokenization_spaces=False
            )
            self._pieces = [one + two[base:] for one, two in zip(alone, after, strict=True)]
        return self._pieces


def bytes_of_ids(tokenizer: Any, size: int) -> list[bytes] | None:
    """What each id adds to a text, for tokenizers whose text is just that, joined (byte-level ones); None for others.

    Joining is several times faster than decoding, above all with cold caches between two steps of a model.
    """
    decoder = json.loads(tokenizer.to_str())["decoder"] if tokenizer is not None else None
    kinds = [part["type"] for part in (decoder or {}).get("decoders", [decoder] if decoder else [])]
    texts = [tokenizer.id_to_token(index) or "" for index in range(size)] if kinds else []
    if kinds == ["ByteLevel"]:
        return [bytes(map(BYTE_LEVEL.__getitem__, text)) if set(text) <= BYTE_LEVEL.keys() else text.encode() for text in texts]
    if kinds == ["ByteFallback", "Fuse"]:
        return [bytes.fromhex(text[3:5]) if BYTE_TOKEN.fullmatch(text) else text.encode() for text in texts]
    return None


def _byte_level() -> dict[str, int]:
    """GPT-2's visible character for each byte: itself where it is printable Latin-1, else one from 256 on."""
    plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + i): byte for i, byte in enumerate(others)}


BYTE_LEVEL = _byte_level()
BYTE_TOKEN = re.compile(r"<0x[0-9A-Fa-f]{2}>")


class Stream:
    """Calls `write(ids, text)` as tokens are certain; text that may turn out to be a dropped stop string, or half a character, waits."""

    def __init__(
        self, vocabulary: Vocabulary, before: Sequence[int], drop: Sequence[str], write: Callable[[Sequence[int], str], None]
    ) -> None:
        self.vocabulary, self.before, self.drop, self.write = vocabulary, tuple(before[-CONTEXT:]), tuple(drop), write
        self.ids_sent = self.text_sent = 0

    def push(self, ids: Sequence[int]) -> None:
        """`ids`: all new ids so far."""
        text = self.vocabulary.added(self.before, ids)
        if not any(text.endswith(string[:size]) for string in self.drop for size in range(1, len(string) + 1)):
            self._send(ids, text)

    def finish(self, ids: Sequence[int], text: str) -> None:
        """`ids` and `text` as they are kept."""
        self._send(ids, text)

    def _send(self, ids: Sequence[int], text: str) -> None:
        if len(ids) > self.ids_sent or len(text) > self.text_sent:
            self.write(tuple(ids[self.ids_sent :]), text[self.text_sent :])
            self.ids_sent, self.text_sent = len(ids), len(text)
