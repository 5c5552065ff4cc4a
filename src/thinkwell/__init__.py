"""thinkwell makes language models think well: every reasoning method behind one interface, on any model, compared at equal cost."""
