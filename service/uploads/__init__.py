"""Whatever callers send, checked and counted while it streams in; the one place where bytes become images."""
