"""From images to classifiers and answers, for many callers at once."""
