"""The nine ciphers against texts known from the literature, spellings that count, and the proof that a known pair leaves one reading."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import Item
from thinkwell.tasks.puzzles.crypto import _known_plaintext as known
from thinkwell.tasks.puzzles.crypto._ciphers import METHODS, decrypt, digraphs, encrypt, inverse
from thinkwell.tasks.puzzles.crypto._keys import draw_key
from thinkwell.tasks.puzzles.crypto._sentences import piece
from thinkwell.tasks.puzzles.crypto._squares import Undetermined, every_quadruple, squares

SQUARE = {"square": "PLAYFIREXMBCDGHKNOQSTUVWZ"}
VECTORS = [
    ("vigenere", {"keyword": "LEMON"}, "ATTACKATDAWN", "LXFOPVEFRNHR"),
    ("autokey", {"keyword": "QUEENLY"}, "ATTACKATDAWN", "QNXEPVYTWTWP"),
    ("rail_fence", {"rails": 3}, "WEAREDISCOVEREDFLEEATONCE", "WECRLTEERDSOEEFEAOCAIVDEN"),
    ("affine", {"a": 5, "b": 8}, "AFFINECIPHER", "IHHWVCSWFRCP"),
    ("caesar", {"shift": 23}, "THEQUICKBROWNFOX", "QEBNRFZHYOLTKCLU"),
    ("atbash", {}, "WIZARD", "DRAZIW"),
    ("hill", {"matrix": [[6, 24, 1], [13, 16, 10], [20, 17, 15]]}, "ACT", "POH"),
    ("playfair", SQUARE, "HIDETHEGOLDINTHETREXESTUMP", "BMODZBXDNABEKUDMUIXMMOUVIF"),
    ("substitution", {"alphabet": "ZEBRASCDFGHIJKLMNOPQTUVWXY"}, "FLEEATONCE", "SIAAZQLKBA"),
]


def crypto(name: str, meta: dict[str, object]) -> Item:
    return Item(f"puzzles/{name}", "crypto", "easy", "", "", "", "", meta)


@pytest.mark.parametrize(("method", "key", "text", "secret"), VECTORS)
def test_the_ciphers_give_the_texts_of_the_literature(method: str, key: dict[str, object], text: str, secret: str) -> None:
    assert encrypt(method, key, text) == secret
    assert decrypt(method, key, secret) == text


def test_every_cipher_is_undone_by_its_own_decryption() -> None:
    rng = random.Random(1)
    for method in METHODS:
        for size in (2, 3):
            key = draw_key(rng, method, size)
            text = piece(rng, 24)
            assert decrypt(method, key, encrypt(method, key, text)) == (digraphs(text) if method == "playfair" else text)
    matrix = np.array(draw_key(rng, "hill", 3)["matrix"])
    assert (matrix @ np.array(inverse(matrix.tolist())) % 26 == np.eye(3)).all()


def test_playfair_counts_with_i_for_j_and_with_or_without_the_x_that_was_put_in() -> None:
    item = crypto("crypto_kka", {"method": "playfair", "key": SQUARE, "ciphertext": encrypt("playfair", SQUARE, "JOLLYTREE")})
    task = load("puzzles/crypto_kka")
    for answer in ("JOLLYTREE", "IOLLYTREE", "JOLXLYTREE", "jolly tree", "IOLXLYTREXEX"):
        assert task.verify(f"```\n{answer}\n```", item).value == 1.0, answer
    for answer, reason in (
        ("JOLYTREE", "8 letters; encrypted it gives 10 letters, and the ciphertext has 12"),
        ("IOLXLYTREEXX", "encrypted it gives 14 letters"),
        ("JOLLYTREES", "another text than the ciphertext, first at letter 1"),
        ("JOLLY-TREE", "none of the letters A to Z"),
    ):
        assert reason in task.verify(f"```\n{answer}\n```", item).reason, answer
    item = replace(item, answer="JOLLYTREE")
    assert task.verify("```\nIOLXLYTREE\n```", item, "paper").value == 0.0


def test_hill_counts_with_or_without_the_x_that_fills_up() -> None:
    key = {"matrix": [[3, 3], [2, 5]]}
    item = crypto("crypto_kka", {"method": "hill", "key": key, "ciphertext": encrypt("hill", key, "APPLE")})
    assert [load("puzzles/crypto_kka").verify(f"```\n{text}\n```", item).value for text in ("APPLE", "APPLEX", "APPLEXX", "APPL")] == [
        1,
        1,
        0,
        0,
    ]


def test_all_nine_ciphers_are_drawn_and_any_one_can_be_asked_for() -> None:
    for name in ("puzzles/crypto_kka", "puzzles/crypto_kpa"):
        assert {load(name).item(0, i).meta["method"] for i in range(60)} == set(METHODS)
        assert all(load(name, "hard", method=method).item(0, 0).meta["method"] == method for method in METHODS)
        with pytest.raises(ConfigError, match="too short"):
            load(name, length=3)


def test_both_texts_of_a_known_pair_are_encrypted_the_same_way() -> None:
    for method in METHODS:
        item = load("puzzles/crypto_kpa", "medium", method=method).item(2, 0)
        meta = item.meta
        assert encrypt(method, meta["key"], meta["hint"]) == meta["hint_cipher"]
        assert encrypt(method, meta["key"], item.answer) == meta["ciphertext"]


def test_the_pair_leaves_no_second_reading_by_trying_every_key() -> None:
    """All caesar, affine and 2x2 hill keys, and all key streams of a short keyword."""
    for method in ("affine", "caesar", "vigenere", "hill"):
        item = load("puzzles/crypto_kpa", method=method).item(4, 1)
        meta, found = item.meta, set()
        plain, secret = (np.array([ord(char) - 65 for char in text]) for text in (meta["hint"], meta["hint_cipher"]))
        if len(plain) == len(secret):
            for a, b in product([a for a in range(26) if a % 2 and a != 13], range(26)):
                if ((a * plain + b) % 26 == secret).all():
                    found.add(decrypt("affine", {"a": a, "b": b}, meta["ciphertext"]))
            for keyword in map("".join, product("ABCDEFGHIJKLMNOPQRSTUVWXYZ", repeat=3)) if method == "vigenere" else ():
                if encrypt("vigenere", {"keyword": keyword}, meta["hint"][:6]) == meta["hint_cipher"][:6]:
                    found.add(decrypt("vigenere", {"keyword": keyword}, meta["ciphertext"]))
        blocks, images = (np.append(text, [23] * (len(text) % 2)).reshape(-1, 2) for text in (plain, secret))
        first = np.array(list(product(range(26), repeat=2)))
        fits = [first[((first @ blocks.T) % 26 == images[:, row]).all(1)] for row in (0, 1)] if len(blocks) == len(images) else [[], []]
        for top, bottom in product(*fits):
            if (top[0] * bottom[1] - top[1] * bottom[0]) % 2 and (top[0] * bottom[1] - top[1] * bottom[0]) % 13:
                found.add(decrypt("hill", {"matrix": [top.tolist(), bottom.tolist()]}, meta["ciphertext"]))
        assert found == {item.answer}


def test_what_the_pair_leaves_open_is_said() -> None:
    assert known.readings("ABCABCABC", "BCDBCDBCD", "BD", ["caesar"]) == {"AC"}
    with pytest.raises(Undetermined, match="nothing of E"):
        known.readings("ABCABCABC", "BCDBCDBCD", "BDE", ["caesar", "substitution"])
    with pytest.raises(Undetermined, match="2x2"):
        known.readings("AAAAAAAA", "AAAAAAAA", "BCBC", ["hill"])
    with pytest.raises(Undetermined):
        known.readings("HIDEHIDE", encrypt("playfair", SQUARE, "HIDEHIDE"), encrypt("playfair", SQUARE, "GOLD"), ["playfair"])
    with pytest.raises(Undetermined, match="shorter"):
        known.readings("AABB", "CCDE", "AA", ["vigenere"])
    assert known.readings("AABBAABBAB", "CQDEWRZFCM", "AA", METHODS) == set()


def test_the_search_for_key_squares_finds_all_of_them() -> None:
    """A pair of letters and its image, as all places that they can have, against plain counting; the true square is among them for a longer text."""
    corner = {quadruple for quadruple in every_quadruple() if quadruple[0] == 0 and len(set(quadruple)) == 4}
    found = {tuple(square[:4]) for square in squares([(0, 1, 2, 3)])}
    assert found == corner
    rng = random.Random(3)
    for _ in range(3):
        key = draw_key(rng, "playfair", 8)
        plain, target = piece(rng, 130), piece(rng, 12)
        secret = encrypt("playfair", key, plain)
        assert known.readings(plain, secret, encrypt("playfair", key, target), ["playfair"]) == {digraphs(target)}
