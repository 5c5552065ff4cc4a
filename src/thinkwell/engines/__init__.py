"""Who writes tokens: local (torch, white box), openai (any compatible server), replay (recorded samples), scripted (tests)."""
