"""Ways to write rollouts: one file each, all giving samples whose paths keep ids, log-probs and who wrote what."""
