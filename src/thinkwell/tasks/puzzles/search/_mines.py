"""Minesweeper's search for an arrangement of mines, apart from its rules and prompts."""

from __future__ import annotations

from collections.abc import Sequence


class Search:
    """numbers: what the groups at each place add up to. places: of each group, where it counts. true: mines of each group in one arrangement that fits."""

    def __init__(self, numbers: Sequence[int], places: Sequence[Sequence[int]], true: Sequence[int]) -> None:
        self.numbers, self.places, self.true = numbers, places, true
        self.groups: list[list[int]] = [[] for _ in numbers]
        for group, at in enumerate(places):
            for place in at:
                self.groups[place].append(group)

    def narrow(self, low: list[int], high: list[int], changed: Sequence[int]) -> bool:
        """Narrow the bounds of the groups by the numbers, beginning with the places that changed. False if a number cannot be reached."""
        waiting = list(changed)
        while waiting:
            place = waiting.pop()
            groups = self.groups[place]
            least, most = sum(low[group] for group in groups), sum(high[group] for group in groups)
            spare, lack = self.numbers[place] - least, most - self.numbers[place]
            if spare < 0 or lack < 0:
                return False
            for group in groups:
                width = high[group] - low[group]
                if width > spare or width > lack:
                    bottom, top = low[group], high[group]
                    low[group], high[group] = max(bottom, top - lack), min(top, bottom + spare)
                    waiting += self.places[group]
        return True

    def below(self, group: int, low: Sequence[int], high: Sequence[int]) -> list[int] | None:
        """An arrangement with fewer mines in this group than it has cells; None if there is none."""
        first = list(high)
        first[group] -= 1
        boards = [(list(low), first, list(self.places[group]))]
        while boards:
            low_, high_, changed = boards.pop()
            if not self.narrow(low_, high_, changed):
                continue
            near = [min(max(value, bottom), top) for value, bottom, top in zip(self.true, low_, high_, strict=True)]
            wrong = next((at for at, groups in enumerate(self.groups) if sum(near[one] for one in groups) != self.numbers[at]), None)
            if wrong is None:
                return near
            choice = max((one for one in self.groups[wrong] if low_[one] < high_[one]), key=lambda one: len(self.places[one]))
            farthest_first = sorted(range(low_[choice], high_[choice] + 1), key=lambda value: -abs(value - near[choice]))
            for value in farthest_first:  # so that the nearest is popped first
                bottom, top = low_.copy(), high_.copy()
                bottom[choice] = top[choice] = value
                boards.append((bottom, top, list(self.places[choice])))
        return None
