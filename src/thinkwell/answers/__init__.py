"""Answers: taken from a text (`extract`), brought to a common form (`canonical`), compared and graded (`grade`), voted on (`choose`)."""
