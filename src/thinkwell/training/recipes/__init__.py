"""One file a recipe: the stages that a paper trains with, as data. `thinkwell train NAME` runs one."""
