"""Two-player games on small boards: the next move is asked for, one file each."""
