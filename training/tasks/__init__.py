"""Few-shot tasks: drawn from a data set by seed, with their images varied at random."""
