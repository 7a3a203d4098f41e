"""Arithmetic of several tasks at once, each with weights of its own."""
