"""Move sequences and orders that lead from one arrangement to another."""
