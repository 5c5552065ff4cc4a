"""Steps at the level of single tokens, one file a technique: what is added to logits, drafted ahead, or optimised before a token is drawn. Methods use them through the session."""
