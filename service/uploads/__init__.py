"""Whatever callers send: counted while it streams in, checked, and turned from bytes into images only here."""
