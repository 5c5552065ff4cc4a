"""Configuration: one frozen pydantic model, named `Config`, beside the class it configures.

The same object is Python keywords, YAML, `--set beam_search.n_beams=8` on the command line and the body of an HTTP request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from thinkwell.core.errors import ConfigError, UnknownName


class Knobs(BaseModel):
    """Base of every `Config`: frozen, keyword-only, unknown keys refused with the nearest valid one."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)

    @classmethod
    def parse(cls, values: Mapping[str, Any], owner: str) -> Self:
        """Validate `values`; `owner` names the method or task in error messages.

        Raises `UnknownName` for a key that does not exist and `ConfigError` for a value that does not fit.
        """
        help_ = f"thinkwell {'tasks show' if '/' in owner else 'methods'} {owner}"  # names of tasks with knobs have a folder
        for key in values:
            if key not in cls.model_fields:
                raise UnknownName(f"knob of {owner}", key, cls.model_fields)
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "combination of knobs"
            raise ConfigError(f"{owner}.{where}: {first['msg']}, got {first.get('input')!r}; see `{help_}`.") from None

    def resized(self, **knobs: Any) -> Self:
        """This configuration with `knobs` changed, except those that the user set by hand. Validated again."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self).model_validate({**knobs, **given})

    @classmethod
    def describe(cls) -> list[dict[str, Any]]:
        """Name, type, default and documentation of every knob, for `thinkwell methods --json` and the docs."""
        properties = cls.model_json_schema().get("properties", {})
        return [
            {
                "name": name,
                "type": str(field.annotation.__name__ if isinstance(field.annotation, type) else field.annotation),
                "default": properties.get(name, {}).get("default"),
                "doc": field.description or "",
            }
            for name, field in cls.model_fields.items()
        ]
