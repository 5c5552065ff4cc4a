"""Expressions to build from given numbers."""
