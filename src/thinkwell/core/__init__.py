"""The nouns of thinkwell: problems, paths, answers, budgets, events. No I/O, no torch."""
