"""Meta-learning against ordinary machine learning, on the same unseen tasks, backbone and seed."""
