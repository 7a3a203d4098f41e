"""Classifiers that are the solution of a problem in closed or convex form, for many tasks at once."""
