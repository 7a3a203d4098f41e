"""How phi improves: outer losses, and their gradient over the tasks of a step."""
