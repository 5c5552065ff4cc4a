"""Options that take several values, and how `key=value` texts become values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from thinkwell.core.errors import ConfigError

WORDS = {"--methods"}  # every following word is a value
PAIRS = {"--budget", "--set", "--task-set", "--engine-set", "--engine-for"}  # every following key=value is a value
PAIR = re.compile(r"[A-Za-z_][\w.]*=\S*")


def spread(argv: Sequence[str]) -> list[str]:
    """`--methods a b` as `--methods a --methods b`: the parser takes one value an option, people write several.

    After `--budget` and the `--set`s only words of the form key=value are taken, so that a question may follow them. `--` ends it.
    """
    result: list[str] = []
    option = ""
    for position, word in enumerate(argv):
        if word == "--":
            return [*result, *argv[position:]]
        if word.startswith("-"):
            option = word if word in WORDS | PAIRS else ""
            fresh = True
            if not option:
                result.append(word)
            elif position + 1 == len(argv) or argv[position + 1].startswith("-"):
                result.append(word)  # no value at all: the parser complains in its own words
            continue
        if option and (fresh or option in WORDS or PAIR.fullmatch(word)):
            result += [option, word]
            fresh = False
            continue
        option = ""
        result.append(word)
    return result


def knobs_of(items: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`method.knob=value` texts as {method: {knob: value}}; values are YAML."""
    import yaml

    knobs: dict[str, dict[str, Any]] = {}
    for item in items:
        name, sign, value = item.partition("=")
        method, dot, knob = name.strip().partition(".")
        if not (sign and dot and method and knob):
            raise ConfigError(f"--set {item!r} is no knob; expected METHOD.KNOB=VALUE, write for example --set beam_search.n_beams=8.")
        try:
            knobs.setdefault(method, {})[knob] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(
                f"--set {item!r}: the value is not YAML; expected a number, true, false, a word or a [list]. Quote it."
            ) from None
    return knobs
