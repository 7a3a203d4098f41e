"""Few-shot tasks: drawn by seed from a data set, and their images varied."""
