"""What every reward does first: take the knobs of a preset, let explicit ones win, and refuse inputs that do not fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from thinkwell.core.errors import ConfigError

K = TypeVar("K")


def chosen(owner: str, presets: Mapping[str, K], preset: str, **given: Any) -> K:
    """The knobs of `preset`, those given (not None) replaced. `K` is a frozen dataclass that checks itself; raises ConfigError for an unknown
    preset."""
    if preset not in presets:
        raise ConfigError(
            f"{owner}: unknown preset {preset!r}; expected one of {', '.join(map(repr, presets))}; pick one and set the knobs that differ."
        )
    explicit = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(presets[preset], **explicit)  # type: ignore[type-var]


def expect(owner: str, name: str, value: object, fits: bool, expected: str) -> None:
    """Raises ConfigError unless `fits` (a comparison, which NaN never passes)."""
    if not fits:
        raise ConfigError(f"{owner}: {name}={value!r} is out of range; expected {expected}; set {name} to such a value.")


def expect_batch(owner: str, **tensors: Tensor | None) -> None:
    """Raises ConfigError unless all tensors given have one dimension and the same length."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items() if tensor is not None}
    if len(set(shapes.values())) != 1 or any(len(shape) != 1 for shape in shapes.values()):
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ConfigError(f"{owner}: shapes do not fit: {found}; expected (B,) for each; pass one value a sample.")


def flags(owner: str, name: str, values: Tensor) -> Tensor:
    """`values` as bool. Numbers are taken when all are 0 or 1: a reward of -1 for a wrong answer must not read as "right"."""
    if values.dtype == torch.bool:
        return values
    if not bool(((values == 0) | (values == 1)).all()):
        raise ConfigError(
            f"{owner}: {name} holds other values than 0 and 1; expected a bool tensor; compare the rewards with a threshold first."
        )
    return values == 1


def float_dtype(*tensors: Tensor | None) -> torch.dtype:
    """The widest floating dtype among the tensors given, torch's default if there is none."""
    found = [tensor.dtype for tensor in tensors if tensor is not None and tensor.is_floating_point()]
    widest = found[0] if found else torch.get_default_dtype()
    for dtype in found[1:]:
        widest = torch.promote_types(widest, dtype)
    return widest
