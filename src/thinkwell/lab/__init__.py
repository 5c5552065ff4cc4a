"""The lab: a small world of arithmetic word problems with exact labels, and the small models that live in it."""
