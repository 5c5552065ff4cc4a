"""A method inside a method: what `cyclic_reflex`, `tip` and `stand` do with the one whose tokens they write differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from thinkwell.core.budget import Budget
from thinkwell.core.config import Knobs
from thinkwell.core.errors import ConfigError
from thinkwell.core.method import METHODS, Method
from thinkwell.core.prompt import Preset


def inner_method(name: str, knobs: Mapping[str, Any], owner: str, never: Sequence[str], why: str) -> Method:
    """The method inside `owner`. Raises `UnknownName` for one or a knob that does not exist, `ConfigError` for one of `never`, which `why` says it would do."""
    if name in never:
        raise ConfigError(f"{owner}: inner={name} would {why} already; expected another method, single for example.")
    kind = METHODS.get(name)
    return kind(kind.Config.parse(knobs, name))


def fit_inner(config: Knobs, inner: Method, budget: Budget, preset: Preset, **sized: Any) -> Knobs:
    """`config` with the inner method's knobs written out at the size of the budget, and `sized` unless the user set them."""
    unset = {name: value for name, value in sized.items() if name not in config.model_fields_set}
    return config.model_copy(update={"inner_knobs": inner.fit(budget, preset).config.model_dump(mode="json"), **unset})
