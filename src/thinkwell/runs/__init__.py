"""Comparing methods: the run, its store, its statistics, its table and its report."""
