"""The arithmetic of many tasks and of preparing drawings, in C, compiled for this processor when wanted.

Where there is no C compiler, ``library`` says so once and gives None, and callers compute by the operations of
torch and NumPy.
"""
