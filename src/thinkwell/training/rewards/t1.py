"""T1: a degenerate output is worth -1, whatever it says (Hou et al. 2025, arXiv 2501.11651).

    r' = penalty (-1)    if the response hits the length cap, repeats itself, or is garbled
         r               otherwise

Sampling above temperature 1 needs it: without the penalty accuracy fell during training. Source: two reading notes of the paper, since no training
code was released; the paper's rule for "repetitive" and "garbled" was not found, so the detectors are guesses with every constant a knob. TRL and
verl have no such reward; their presets are "paper". Of note: where all responses of a hard prompt hit the cap their rewards are equal, and every
advantage is 0.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from thinkwell.training._conventions import expect, finite, pick
from thinkwell.training.rewards._batch import expect_batch, flags, float_dtype

OWNER = "t1"
_FREE = ("LATIN", "GREEK")  # letters of formulas, at home in a text of any script
_ONE_SCRIPT = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK"}


@dataclass(frozen=True)
class Knobs:
    penalty: float = -1.0

    def __post_init__(self) -> None:
        finite("penalty", self.penalty, -math.inf)


PRESETS = {"paper": Knobs(), "trl": Knobs(), "verl": Knobs()}


def t1(rewards: Tensor, degenerate: Tensor, *, preset: str = "paper", penalty: float | None = None) -> Tensor:
    """r' of each response. rewards: (B,) bool or any numbers. degenerate: (B,) bool (or 0/1), e.g. `cut | repetitive(ids) | garbled(texts)`.

    Returns (B,) in the dtype of `rewards` if floating, else torch's default. The penalty replaces the reward, it is not added. Raises ConfigError
    for shapes that differ or knobs out of range.
    """
    expect_batch(OWNER, rewards=rewards, degenerate=degenerate)
    knobs = pick(OWNER, PRESETS, preset, penalty=penalty)
    values = rewards.to(float_dtype(rewards))
    return torch.where(flags(OWNER, "degenerate", degenerate), torch.full_like(values, knobs.penalty), values)


def repetitive(tokens: Sequence[Sequence[Hashable]], *, n: int = 8, window: int = 512, share: float = 0.5, min_tokens: int = 64) -> Tensor:
    """(B,) bool: among the last `window` tokens, more than `share` of the n-grams occurred before in the window.

    tokens: token ids of each response (or words, or a string's characters). Texts of fewer than `min_tokens` are not judged. The end is looked at,
    since a loop does not stop by itself. Linear: window * n a response.
    Raises ConfigError for knobs out of range.
    """
    expect("n", n, n >= 1, "at least 1")
    expect("window", window, window >= n, f"at least n ({n})")
    expect("share", share, 0 <= share < 1, "from 0 to below 1")
    expect("min_tokens", min_tokens, min_tokens >= n, f"at least n ({n})")
    return torch.tensor([_repeats(ids, n, window, share, min_tokens) for ids in tokens], dtype=torch.bool)


def _repeats(ids: Sequence[Hashable], n: int, window: int, share: float, min_tokens: int) -> bool:
    if len(ids) < min_tokens:
        return False
    tail = ids[-window:]
    grams = [tuple(tail[at : at + n]) for at in range(len(tail) - n + 1)]
    return 1 - len(set(grams)) / len(grams) > share


def garbled(completions: Sequence[str], *, strange: float = 0.02, foreign: float = 0.2) -> Tensor:
    """(B,) bool: more than `strange` of the characters are unreadable, or more than `foreign` of the letters are of another script than the text's.

    Unreadable: the replacement character, control, private and unassigned code points. The text's script is the one most of its letters have; Latin
    and Greek letters stand in formulas and are never foreign. Random letters of one script are not found. Linear. Raises ConfigError for knobs out of range.
    """
    finite("strange", strange, 0, 1)
    finite("foreign", foreign, 0, 1)
    return torch.tensor([_is_garbled(text, strange, foreign) for text in completions], dtype=torch.bool)


def _is_garbled(text: str, strange: float, foreign: float) -> bool:
    kinds: Counter[str] = Counter()
    for character, count in Counter(text).items():
        kinds[_kind(character)] += count
    if kinds["STRANGE"] > strange * len(text):
        return True
    letters = {kind: count for kind, count in kinds.items() if kind not in ("STRANGE", "OTHER")}
    home = max(letters, key=lambda kind: (letters[kind], kind), default="LATIN")
    outside = sum(count for kind, count in letters.items() if kind != home and kind not in _FREE)
    return outside > foreign * sum(letters.values())


@lru_cache(maxsize=65536)
def _kind(character: str) -> str:
    """The script of a letter, STRANGE for what nobody can read, OTHER for the rest."""
    category = unicodedata.category(character)
    if character == "\ufffd" or (category in ("Cc", "Cs", "Co", "Cn") and character not in "\n\r\t"):
        return "STRANGE"
    if not category.startswith("L"):
        return "OTHER"
    plain = unicodedata.normalize("NFKC", character)[0]  # mathematical italics and blackboard letters are letters of formulas too
    script = unicodedata.name(plain, "OTHER").partition(" ")[0]
    return _ONE_SCRIPT.get(script, script)
