"""A meta-training run from its first step, over its breaks, to the initialization it publishes."""
