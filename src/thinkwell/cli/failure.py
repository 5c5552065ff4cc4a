"""Exit codes: 0 success, 1 ran but failed, 2 bad usage, 130 interrupted. Errors are one sentence on stderr; no traceback for a user's mistake."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from thinkwell.core.errors import ThinkwellError, UsageError

P = ParamSpec("P")
R = TypeVar("R")
FAILED, USAGE, INTERRUPTED = 1, 2, 130
DEBUG = "THINKWELL_DEBUG"


class Interrupted(Exception):
    """Ctrl-C, with what the user may do next."""


def exits(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the errors of a command into messages and exit codes."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            result = command(*args, **kwargs)
            sys.stdout.flush()
            return result
        except (typer.Exit, typer.Abort):
            raise
        except BrokenPipeError:  # the reader of our output (head, less) has gone: that is no failure
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from None
        except (KeyboardInterrupt, Interrupted) as interrupt:
            say(f"interrupted. {interrupt}".rstrip())
            raise typer.Exit(INTERRUPTED) from None
        except ThinkwellError as error:
            if os.environ.get(DEBUG):
                traceback.print_exc()
            say(f"error: {error}")
            raise typer.Exit(USAGE if isinstance(error, UsageError) else FAILED) from None
        except OSError as error:
            if os.environ.get(DEBUG):
                traceback.print_exc()
            what = f"{error.filename}: " if error.filename else ""
            say(f"error: {what}{error.strerror or error}; the operating system refused it. Mend that and run again.")
            raise typer.Exit(FAILED) from None
        except Exception as error:
            if os.environ.get(DEBUG):
                raise
            say(
                f"error: {type(error).__name__}: {error}; this is a fault of thinkwell, not of your command. Set {DEBUG}=1 for the traceback and report it."
            )
            raise typer.Exit(FAILED) from None

    return run


def say(text: str) -> None:
    """A line for people, beside the results: stderr."""
    print(text, file=sys.stderr)
