"""How stores that former releases wrote become stores of this one, with all that they hold."""

# The n-th leads from schema n to n + 1. All of them only add: a process of the former release that runs meanwhile
# can go on with its tasks, though it lists no jobs while one is deleted, and notes no uses of temporary tasks. To
# one that knows of no automatic tasks, all are as if their models had been named, and so are those that it makes.
SCHEMA_CHANGES: tuple[tuple[str, ...], ...] = (
    (
        "ALTER TABLE tasks ADD COLUMN expires_in INTEGER",
        "ALTER TABLE tasks ADD COLUMN expires INTEGER",
        "CREATE INDEX tasks_by_expiry ON tasks (expires)",
    ),
    ("ALTER TABLE tasks ADD COLUMN automatic BOOLEAN NOT NULL DEFAULT 0",),  # nobody knows who chose before
)
