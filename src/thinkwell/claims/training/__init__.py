"""One file a training paper: its claims, the runs that decide them, measured on the lab over several seeds."""
