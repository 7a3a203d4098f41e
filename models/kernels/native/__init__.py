"""Arithmetic for many tasks, and for preparing drawings, in C, compiled for this processor on first use.

Without a C compiler, ``library`` logs a warning once and returns None, and callers use the operations of torch
and NumPy instead. All functions return 0, or 1 if they got no memory to work in, for which ``function`` raises
MemoryError.
"""
