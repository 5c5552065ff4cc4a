"""Knobs refuse what does not fit, and say what would."""

import pytest
from pydantic import Field

from thinkwell.core.config import Knobs
from thinkwell.core.errors import ConfigError, UnknownName


class Config(Knobs):
    n_paths: int = Field(4, ge=1)
    """Paths sampled (count, at least 1)."""
    tie: str = "first"
    """Rule for ties."""


def test_unknown_knob_offers_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'n_paths'"):
        Config.parse({"n_path": 3}, owner="leap")


@pytest.mark.parametrize("value", [0, "many", None])
def test_value_out_of_range_names_knob_and_value(value: object) -> None:
    with pytest.raises(ConfigError, match=r"leap\.n_paths: .*got"):
        Config.parse({"n_paths": value}, owner="leap")


def test_resized_leaves_knobs_set_by_hand() -> None:
    config = Config.parse({"n_paths": 3}, owner="leap").resized(n_paths=99, tie="random")
    assert (config.n_paths, config.tie) == (3, "random")
    assert Config().resized(n_paths=99).n_paths == 99


def test_knobs_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().n_paths = 5  # type: ignore[misc]


def test_describe_carries_the_documentation() -> None:
    assert Config.describe()[0] == {"name": "n_paths", "type": "int", "default": 4, "doc": "Paths sampled (count, at least 1)."}
