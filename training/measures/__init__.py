"""Measures how accurate a learner is on unseen classes, and how far its confidence can be trusted."""
