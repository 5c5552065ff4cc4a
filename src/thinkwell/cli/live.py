"""The paths of one problem on the terminal while they are written, coloured by who wrote what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from thinkwell.core.events import Cut, Event, Forked, PathOpened, Pruned, Scored, Spliced, TokensWritten
from thinkwell.core.path import Origin, Path

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

STYLES = {Origin.PROMPT: "dim", Origin.MODEL: "default", Origin.INJECTED: "bold yellow", Origin.TOOL: "cyan"}
TAIL = 3  # lines of each path shown while several are written
SHOWN = 8  # paths shown at once


@dataclass
class _Writing:
    """A path as the terminal knows it: finished pieces, and the piece being written."""

    pieces: list[tuple[Origin, str]] = field(default_factory=list)
    growing: str = ""
    tokens: int = 0
    note: str = ""
    over: bool = False


class LivePaths:
    """Follows the event stream of a session; `__rich__` draws the present state."""

    def __init__(self) -> None:
        self.paths: dict[str, _Writing] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case PathOpened():
                self.paths[event.path] = _Writing()
            case TokensWritten(final=False):
                path = self._path(event.path)
                path.growing += event.text
                path.tokens += event.n_tokens
            case TokensWritten():
                path = self._path(event.path)
                path.pieces.append((Origin.MODEL, event.text))
                path.growing = ""
                path.tokens = max(path.tokens, event.n_tokens)
                path.over = event.finish is not None and event.finish.value in ("eos", "budget", "context")
                path.note = event.finish.value if event.finish is not None and path.over else path.note
            case Spliced():
                path = self._path(event.path)
                path.pieces.append((event.origin, event.text))
                path.over = False
            case Forked() | Cut():
                parent = self._path(event.parent)
                self.paths[event.path] = _Writing(
                    list(parent.pieces) if isinstance(event, Forked) else [(Origin.INJECTED, f"(from {event.parent}) ")],
                    tokens=parent.tokens,
                )
            case Scored() if event.scores:
                self._path(event.path).note = f"{event.scorer} {event.scores[-1]:.2f}"
            case Pruned():
                path = self._path(event.path)
                path.over, path.note = True, f"pruned: {event.reason}"
            case _:
                pass

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        if len(self.paths) == 1:
            ((_, only),) = self.paths.items()
            return _coloured(only)
        live = [item for item in self.paths.items() if not item[1].over]
        shown = (live or list(self.paths.items()))[:SHOWN]
        blocks: list[Text] = []
        for name, path in shown:
            blocks.append(Text(f"path {name}  {path.tokens} tokens  {path.note}", style="bold"))
            blocks.append(_tail(_coloured(path)))
        rest = len(self.paths) - len(shown)
        if rest:
            blocks.append(Text(f"and {rest} more paths, {len(self.paths) - len(live)} of {len(self.paths)} at their end", style="dim"))
        return Group(*blocks)

    def _path(self, name: str) -> _Writing:
        return self.paths.setdefault(name, _Writing())


def coloured(path: Path) -> Text:
    """A finished path without its prompt, coloured by origin."""
    return _text([(segment.origin, segment.text) for segment in path if segment.origin is not Origin.PROMPT])


def _coloured(path: _Writing) -> Text:
    return _text([*path.pieces, (Origin.MODEL, path.growing)])


def _text(pieces: list[tuple[Origin, str]]) -> Text:
    from rich.text import Text

    text = Text()
    for origin, piece in pieces:
        text.append(piece, style=STYLES[origin])
    return text


def _tail(text: Text) -> Text:
    from rich.text import Text

    lines = [line for line in text.split("\n", allow_blank=False) if line.plain.strip()]
    return Text("\n").join(lines[-TAIL:])
