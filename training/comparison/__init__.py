"""Compares meta-learning with ordinary machine learning, on the same unseen tasks, backbone and seed."""
