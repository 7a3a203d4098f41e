"""A meta-training run from its first step to its last, and over its breaks."""
