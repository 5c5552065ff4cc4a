"""The command line: parse, call, print. One file a command; nothing else in the package imports this folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of `thinkwell`. Always leaves through `SystemExit`."""
    from thinkwell.cli.app import app
    from thinkwell.cli.arguments import spread

    words = list(sys.argv[1:] if argv is None else argv)
    if "--model" not in words or not sys.stderr.isatty():  # nothing large is fetched: no library's bar may mix with our output
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    app(args=spread(words), prog_name="thinkwell")
