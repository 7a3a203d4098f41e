"""Arithmetic for several tasks at once, each with its own weights; for networks at rest; and for drawings."""
