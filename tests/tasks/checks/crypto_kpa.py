"""An independent judge: the hidden key must explain the known pair, and the answer must be what it makes of the target. The ciphers are those of `crypto_kka`'s judge."""

from __future__ import annotations

from tests.tasks.checks.crypto_kka import is_plaintext
from thinkwell.tasks.puzzle import Item


def check(answer: str, item: Item) -> bool:
    meta = item.meta
    assert is_plaintext(meta["hint"], meta["hint_cipher"], meta["method"], meta["key"])
    return is_plaintext("".join(answer.split()).upper(), meta["ciphertext"], meta["method"], meta["key"])
