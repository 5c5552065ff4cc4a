"""Every method has a page, and the page names every knob with its meaning as the code gives it."""

from enum import Enum
from pathlib import Path

import pytest

from thinkwell.core.method import METHODS

PAGES = Path(__file__).parents[2] / "docs" / "methods"
OURS = [name for name, cls in METHODS.items() if cls.__module__.startswith("thinkwell.methods.")]


@pytest.mark.parametrize("name", OURS)
def test_a_methods_page_has_its_parts_and_every_knob(name):
    page = (PAGES / f"{name}.md").read_text()
    for part in (f"# {name}\n", "## When to use it", "## Knobs", "## Cost", "## Measured effect", "## Limits", "## Paper"):
        assert part in page
    for knob, field in METHODS.get(name).Config.model_fields.items():
        default = field.default.value if isinstance(field.default, Enum) else field.default
        shown = "none" if default is None else str(default).lower() if isinstance(default, bool) else str(default) or '""'
        assert f"| `{knob}` | {shown} | {' '.join((field.description or '').split())} |" in page
