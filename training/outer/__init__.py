"""How phi improves: losses on query sets, and their gradient over a step's tasks."""
