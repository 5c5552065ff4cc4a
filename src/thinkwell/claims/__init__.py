"""One file a paper: its claims, measured on the lab, said to hold, not to hold, or to be undecided."""
