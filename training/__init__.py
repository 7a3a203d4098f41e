"""Meta-training, offline: from many small tasks to an initialization."""
