"""Keys and values: `Slots`, the rows of a running batch, and `Shelf`, the paths that wait between two requests.

Rows of a running batch are dense and contiguous, which makes attention a plain batched product over views. A path that leaves the batch is copied to the
shelf at its exact length (a lab token is 2 KB in float32: a 200-token path moves in some 15 microseconds) and copied back, forked or cut when it goes on.

Axes: L layers, N rows, K key-value heads, T positions, D head size.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

ROOM = 32  # a path at rest gets room for this many more tokens, rounded up to a multiple of it: going on fits, and so does the next path when it left
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
        self._set(new)

    def move(self, source: int, target: int, length: int) -> None:
        self.data[:, :, target, :, :length] = self.data[:, :, source, :, :length]

    def load(self, rows: slice, stored: Tensor, length: int) -> None:
        """Puts the first `length` positions of stored keys and values (L, 2, K, T, D) into all of `rows`."""
        self.data[:, :, rows, :, :length] = stored[:, :, None, :, :length]

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
    return have if need <= have else max(need, have + have // 2)


@dataclass(slots=True)
class Stored:
    """A path at rest: the tokens whose keys and values are in `data`."""

    tokens: tuple[int, ...]
    data: Tensor
    marks: list[int]
    reusable: bool
    """Whether the shelf made the tensor, so that nobody else looks at it."""

    @property
    def bytes(self) -> int:
        return self.data.numel() * self.data.element_size()


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

    def keep(self, name: str, tokens: Sequence[int], slots: Slots, row: int) -> None:
        """Copies the path of these tokens from its row; of a path that went on, only what is new."""
        length, old = len(tokens), self.entries.get(name)
        if old is not None and old.reusable and length <= old.data.shape[3] and old.tokens == tuple(tokens[: len(old.tokens)]):
            slots.copy(row, len(old.tokens), length, old.data)
            self._file(name, tokens, old)
            return
        room = -(-length // ROOM) * ROOM + ROOM
        spare = self._spare.get(room)
        if spare:
            data = spare.pop()
            self._spare_bytes -= data.nbytes
        else:
            layers, two, _, kv_heads, _, head_dim = slots.data.shape
            data = slots.data.new_empty((layers, two, kv_heads, room, head_dim))
        slots.copy(row, 0, length, data)
        self.put(name, tokens, data, reusable=True)

    def put(self, name: str, tokens: Sequence[int], data: Tensor, *, reusable: bool = False) -> None:
        """Keeps keys and values (L, 2, K, T, D) of a path, T at least its length. `reusable`: the shelf may write on them when it drops the path."""
        self.drop((name,))
        entry = Stored(tuple(tokens), data, [], reusable)
        self.used += entry.bytes
        self._file(name, tokens, entry)
        while self.used > self.limit and len(self.entries) > 1:
            self.drop((next(iter(self.entries)),))

    def _file(self, name: str, tokens: Sequence[int], entry: Stored) -> None:
        """Enters a path under its name and what it starts with, as the one used last."""
        entry.tokens, entry.marks = tuple(tokens), _marks(tokens)
        self.entries[name] = entry
        self.entries.move_to_end(name)
        for mark in entry.marks:
            self._by_mark[mark] = name

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
                self.used -= entry.bytes
                if entry.reusable and self._spare_bytes + entry.bytes <= min(SPARE, self.limit - self.used):
                    self._spare.setdefault(entry.data.shape[3], []).append(entry.data)
                    self._spare_bytes += entry.bytes
                for mark in entry.marks:
                    if self._by_mark.get(mark) == name:
                        del self._by_mark[mark]

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


def _marks(tokens: Sequence[int]) -> list[int]:
    """A hash of each prefix of 16, 32, 48 ... tokens."""
    marks, mark = [], 0
    for end in range(BLOCK, len(tokens) + 1, BLOCK):
        mark = hash((mark, tuple(tokens[end - BLOCK : end])))
        marks.append(mark)
    return marks
