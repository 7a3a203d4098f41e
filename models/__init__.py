"""What meta-training and the service share: every step from an image's pixels to a query's logits.

Importing this package makes ``import torchvision`` work with any build of torch (see
``torchvision_operators``), so import it before torchvision.
"""

from models.torchvision_operators import declare_missing

declare_missing()
