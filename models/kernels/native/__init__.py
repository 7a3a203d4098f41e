"""The arithmetic of many tasks and of drawings' preprocessing in C, compiled for this processor when first wanted.

Where there is no C compiler, ``library`` says so once and gives None, and the callers compute by the operations of
torch and NumPy.
"""
