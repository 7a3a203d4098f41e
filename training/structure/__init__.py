"""The network's structure, searched on training tasks by the outer gradient and then fixed."""
