"""Cells or moves to find, where clues force every one."""
