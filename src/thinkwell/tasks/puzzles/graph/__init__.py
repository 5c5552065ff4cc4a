"""Tours, paths and ways through networks and mazes."""
