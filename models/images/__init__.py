"""From an image file's bytes to what a learner takes."""
