"""Post-training: advantages, losses and rewards as pure functions on tensors. Each module is imported by its own name, for torch is heavy."""
