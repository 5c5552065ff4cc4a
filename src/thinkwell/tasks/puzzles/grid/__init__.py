"""Grids to fill: numbers, symbols or letters that satisfy lines, boxes and clues."""
