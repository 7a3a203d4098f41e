"""A meta-training run: from its first step, through interruptions, to the initialization it publishes."""
