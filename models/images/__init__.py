"""From an image file's bytes to a learner's input."""
