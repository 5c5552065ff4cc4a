"""Puzzles that rules decide, one file each, by category. A file registers itself; it is imported when its puzzle is asked for. See `tasks/puzzle.py`."""
