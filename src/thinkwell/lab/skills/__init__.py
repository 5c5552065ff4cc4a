"""What the lab's models learn beyond solving: one file a skill, written by an oracle that knows the exact truth."""
