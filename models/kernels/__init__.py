"""Arithmetic for several tasks at once, each with its own weights."""
