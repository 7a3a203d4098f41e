"""Classifiers that solve a problem in closed form or by convex optimisation, for many tasks at once."""
