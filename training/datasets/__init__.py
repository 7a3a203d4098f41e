"""Data sets as images grouped by class, and their splits into training, validation and test classes.

This package reads the images itself instead of using the data sets of torchvision or learn2learn: those return
one decoded image at a time, reject a tree that somebody else unpacked, and know nothing of alphabets.
``omniglot`` downloads through torchvision, and also reads what learn2learn's download leaves behind.
"""
