"""Conclusions from statements."""
