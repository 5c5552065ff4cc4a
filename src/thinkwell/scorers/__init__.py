"""What judges paths: process reward models, outcome reward models, generative verifiers, critics."""
