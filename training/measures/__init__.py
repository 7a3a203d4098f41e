"""What a learner reaches on unseen classes, and how far its confidence can be trusted."""
