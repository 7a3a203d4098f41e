"""Data sets as images grouped by class, and their splits into training, validation and test classes.

The images are read by this package and not by torchvision's or learn2learn's data sets: those hand out one
decoded image at a time, refuse a tree that somebody else unpacked, and know nothing of alphabets.
``omniglot`` downloads through torchvision, and reads what learn2learn's download leaves behind.
"""
