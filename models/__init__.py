"""What meta-training and the service share: every step from an image's pixels to a query's logits."""
