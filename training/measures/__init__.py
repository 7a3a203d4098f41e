"""What a learner reaches on unseen classes, and what of that its card tells."""
