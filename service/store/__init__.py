"""State that outlives a process: tasks and jobs in SQLite."""
