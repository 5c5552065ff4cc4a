"""What the lab's model learns beyond solving: one file for each method that needs a skill; `mixture` puts them together."""
