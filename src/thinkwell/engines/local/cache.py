"""Keys and values: `Slots`, the rows of a running batch, and `Shelf`, the paths that wait between two requests.

On torch operations the rows of a running batch are dense, which makes attention a plain batched product over views; a path that leaves the batch is copied
to the shelf. The compiled kernel finds each path's row by number, so there a path that leaves stays where it is until another needs its row: most paths are
dropped or go on before that, and are never copied.

Axes: L layers, N rows, K key-value heads, T positions, D head size.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

ROOM = 16  # a path at rest gets room for this many more tokens, rounded up to a multiple of it: going on fits, and so does the next path when it left
SPARE = 1 << 26  # bytes of such room kept for the next
BLOCK = 16  # tokens a prefix hash; matches are then extended token by token


class Slots:
    """Cache rows of paths that run now: tensor (L, 2, N, K, T, D), grown on demand in rows and positions."""

    def __init__(
        self,
        layers: int,
        kv_heads: int,
        head_dim: int,
        dtype: torch.dtype,
        device: torch.device,
        rows: int = 8,
        length: int = 128,
        most: int = 0,
    ) -> None:
        self.most = most
        self._make = lambda n, t: zeros((layers, 2, n, kv_heads, t, head_dim), dtype, device)
        self._set(self._make(rows, length))

        self.empty = list(range(rows - 1, -1, -1))
        """Rows that nobody needs, for `take`."""
        self.lodgers: OrderedDict[int, Stored] = OrderedDict()
        """Paths at rest in a row of their own, the one that left first first."""

    def _set(self, data: Tensor) -> None:
        self.data = data
        self.keys: list[Tensor] = list(data[:, 0])
        self.values: list[Tensor] = list(data[:, 1])

    @property
    def rows(self) -> int:
        return self.data.shape[2]

    @property
    def length(self) -> int:
        return self.data.shape[4]

    def reserve(self, rows: int, length: int, live: int | None = None) -> None:
        """Makes room for `rows` rows of `length` positions; what is there stays, or the first `live` rows of it."""
        if rows <= self.rows and length <= self.length:
            return
        old = self.data
        # Must be finite where nothing was written yet, as masked scores multiply it.
        new = self._make(_grown(self.rows, rows), _grown(self.length, length))
        live = self.rows if live is None else live
        new[:, :, :live, :, : self.length] = old[:, :, :live]
        self.empty += range(new.shape[2] - 1, self.rows - 1, -1)
        self._set(new)

    def take(self) -> tuple[int, Stored | None]:
        """A row to write on, and the path that rests there and must move out; an empty row if there is one."""
        if self.empty:
            return self.empty.pop(), None
        return self.lodgers.popitem(last=False)

    def move(self, source: int, target: int, length: int) -> None:
        self.data[:, :, target, :, :length] = self.data[:, :, source, :, :length]

    def load(self, rows: Sequence[int], stored: Tensor, length: int) -> None:
        """Puts the first `length` positions of stored keys and values (L, 2, K, T, D) into all of `rows`, which rise."""
        part = stored[:, :, :, :length]
        if len(rows) > 1 and rows[-1] - rows[0] == len(rows) - 1:  # no gap: one call
            self.data[:, :, rows[0] : rows[-1] + 1, :, :length] = part[:, :, None]
            return
        for row in rows:
            self.data[:, :, row, :, :length] = part

    def save(self, row: int, length: int) -> Tensor:
        """A copy of one row's first `length` positions: (L, 2, K, T, D)."""
        return self.data[:, :, row, :, :length].clone()

    def copy(self, row: int, start: int, stop: int, into: Tensor) -> None:
        """Copies positions [start, stop) of one row to the same positions of stored keys and values (L, 2, K, T, D)."""
        into[:, :, :, start:stop] = self.data[:, :, row, :, start:stop]


def maps_lazily(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether `zeros` of this kind cost no memory where nothing was written: numpy's on a CPU, which the system maps when they are first touched."""
    return device.type == "cpu" and dtype in (torch.float32, torch.float64)


def zeros(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    if maps_lazily(dtype, device):
        return torch.from_numpy(np.zeros(shape, dtype=np.float32 if dtype == torch.float32 else np.float64))
    return torch.zeros(shape, dtype=dtype, device=device)


def _grown(have: int, need: int) -> int:
    return have if need <= have else max(need, have + have // 4)


@dataclass(slots=True, eq=False)
class Stored:
    """A path at rest: the tokens whose keys and values are in its row of `slots`, or in `own` where it has none."""

    tokens: tuple[int, ...] = ()
    marks: list[int] = field(default_factory=list)
    own: Tensor | None = None  # (L, 2, K, T, D), T at least `saved`
    saved: int = 0  # of the tokens, how many are in `own`
    reusable: bool = True  # whether the shelf made `own`, so that nobody else looks at it
    slots: Slots | None = None
    row: int = -1

    @property
    def data(self) -> Tensor:
        """Keys and values (L, 2, K, T, D) of at least its tokens; good until the next call of slots or shelf."""
        if self.slots is not None:
            return self.slots.data[:, :, self.row]
        assert self.own is not None
        return self.own

    @property
    def there(self) -> bool:
        """Whether its keys and values have not been dropped."""
        return self.slots is not None or self.own is not None

    @property
    def bytes(self) -> int:
        """Of its own: rows are there anyway."""
        return 0 if self.own is None else self.own.nbytes


class Shelf:
    """Paths at rest, by name, found by name or by what they start with; the longest unused go first when `limit` bytes are full.

    Losing an entry costs a prefill, never correctness.
    """

    def __init__(self, limit: int) -> None:
        self.limit, self.used = limit, 0
        self.entries: OrderedDict[str, Stored] = OrderedDict()
        self._by_mark: dict[int, str] = {}
        # Fresh memory is dear: the system maps and clears a page at a time, which takes longer than the copy.
        self._spare: dict[int, list[Tensor]] = {}
        self._spare_bytes = 0

    def __len__(self) -> int:
        return len(self.entries)

    def lodge(self, name: str, tokens: Sequence[int], slots: Slots, row: int) -> None:
        """Enters the path of these tokens, which rests in its row until the row is taken (`settle`). What was saved of it before is kept."""
        entry = self.entries.get(name)
        if entry is None or not entry.reusable or entry.tokens != tuple(tokens[: len(entry.tokens)]):
            self.drop((name,))
            entry = Stored()
        self._leave_row(entry)
        entry.slots, entry.row = slots, row
        slots.lodgers[row] = entry
        self._file(name, tokens, entry)

    def claim(self, name: str, length: int, slots: Slots) -> int | None:
        """The row of `slots` in which this path rests, for it to go on there after `length` tokens; None if it rests elsewhere."""
        entry = self.entries.get(name)
        if entry is None or entry.slots is not slots or slots.lodgers.get(entry.row) is not entry:
            return None
        if length < len(entry.tokens):
            entry.saved = min(entry.saved, length)
            self._file(name, entry.tokens[:length], entry)
        del slots.lodgers[entry.row]
        return entry.row

    def settle(self, entry: Stored) -> None:
        """Copies a path out of its row, which somebody else needs; of one that went on, only what is new."""
        slots, row, length = entry.slots, entry.row, len(entry.tokens)
        assert slots is not None
        if entry.own is None or length > entry.own.shape[3]:
            self._free(entry)
            entry.own, entry.saved = self._room(slots, length), 0
            self.used += entry.bytes
        slots.copy(row, entry.saved, length, entry.own)
        entry.saved, entry.slots, entry.row = length, None, -1
        self._make_room()

    def keep(self, name: str, tokens: Sequence[int], slots: Slots, row: int) -> None:
        """Copies the path of these tokens from its row; of a path that went on, only what is new."""
        self.lodge(name, tokens, slots, row)
        del slots.lodgers[row]
        self.settle(self.entries[name])

    def put(self, name: str, tokens: Sequence[int], data: Tensor) -> None:
        """Keeps keys and values (L, 2, K, T, D) of a path, T at least its length, which somebody else may look at."""
        self.drop((name,))
        entry = Stored(own=data, saved=len(tokens), reusable=False)
        self.used += entry.bytes
        self._file(name, tokens, entry)
        self._make_room()

    def _room(self, slots: Slots, length: int) -> Tensor:
        """A tensor for a path of this length, used before or new."""
        room = -(-length // ROOM) * ROOM + ROOM
        spare = self._spare.get(room)
        if spare:
            data = spare.pop()
            self._spare_bytes -= data.nbytes
            return data
        layers, two, _, kv_heads, _, head_dim = slots.data.shape
        return slots.data.new_empty((layers, two, kv_heads, room, head_dim))

    def _make_room(self) -> None:
        while self.used > self.limit and len(self.entries) > 1:
            self.drop((next(iter(self.entries)),))

    def _file(self, name: str, tokens: Sequence[int], entry: Stored) -> None:
        """Enters a path under its name and what it starts with, as the one used last."""
        kept = min(len(tokens), len(entry.tokens)) // BLOCK
        self._forget(name, entry.marks[kept:])
        entry.tokens, entry.marks = tuple(tokens), _marks(tokens, entry.marks[:kept])
        self.entries[name] = entry
        self.entries.move_to_end(name)
        for mark in entry.marks:
            self._by_mark[mark] = name

    def _forget(self, name: str, marks: Iterable[int]) -> None:
        for mark in marks:
            if self._by_mark.get(mark) == name:
                del self._by_mark[mark]

    def find(self, tokens: Sequence[int], names: Iterable[str] = ()) -> tuple[Stored | None, int]:
        """The entry that shares the longest prefix with `tokens`, and its length; `names` are tried first."""
        best, length = None, 0
        for name in names:
            entry = self.entries.get(name)
            if entry is not None and (shared := shared_prefix(entry.tokens, tokens)) > length:
                best, length = name, shared
        if length < len(tokens) - BLOCK:
            for mark in reversed(_marks(tokens)):
                holder = self._by_mark.get(mark)
                if holder is not None:
                    if (shared := shared_prefix(self.entries[holder].tokens, tokens)) > length:
                        best, length = holder, shared
                    break
        if best is None:
            return None, 0
        self.entries.move_to_end(best)
        return self.entries[best], length

    def drop(self, names: Iterable[str]) -> None:
        for name in names:
            entry = self.entries.pop(name, None)
            if entry is not None:
                self._free(entry)
                self._leave_row(entry)
                self._forget(name, entry.marks)

    def _free(self, entry: Stored) -> None:
        """Takes back what an entry has of its own."""
        if entry.own is None:
            return
        self.used -= entry.bytes
        if entry.reusable and self._spare_bytes + entry.bytes <= min(SPARE, self.limit - self.used):
            self._spare.setdefault(entry.own.shape[3], []).append(entry.own)
            self._spare_bytes += entry.bytes
        entry.own = None

    @staticmethod
    def _leave_row(entry: Stored) -> None:
        """A row in which a path rested is empty, unless the path is being written there."""
        if entry.slots is not None and entry.slots.lodgers.get(entry.row) is entry:
            del entry.slots.lodgers[entry.row]
            entry.slots.empty.append(entry.row)
        entry.slots, entry.row = None, -1

    def clear(self) -> None:
        self.drop(list(self.entries))
        self._spare.clear()
        self._spare_bytes = 0


def shared_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the longest common prefix, by bisection on slices (a slice comparison runs in C)."""
    low, high = 0, min(len(left), len(right))
    left, right = tuple(left[:high]), tuple(right[:high])
    if left == right:
        return high
    while low + 1 < high:
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low if left[low] != right[low] else low + 1


def _marks(tokens: Sequence[int], known: Sequence[int] = ()) -> list[int]:
    """A hash of each prefix of 16, 32, 48 ... tokens; `known`: those of a path that these tokens go on from."""
    marks = list(known)
    mark = marks[-1] if marks else 0
    for end in range(BLOCK * (len(marks) + 1), len(tokens) + 1, BLOCK):
        mark = hash((mark, tuple(tokens[end - BLOCK : end])))
        marks.append(mark)
    return marks
