"""The command line: parse, call, print. One file a command; nothing else in the package imports this folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of `thinkwell`. Always leaves through `SystemExit`."""
    from thinkwell.cli.app import app
    from thinkwell.cli.arguments import spread

    app(args=spread(sys.argv[1:] if argv is None else argv), prog_name="thinkwell")
