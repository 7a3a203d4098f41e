"""All algorithms on the same data, backbone and seconds of training, measured on the same unseen tasks."""
