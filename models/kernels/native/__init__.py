"""The arithmetic of many tasks in C, compiled for this machine's processor when first wanted.

Where there is no C compiler, ``library`` says so once and gives None, and the callers compute by torch's
operations.
"""
