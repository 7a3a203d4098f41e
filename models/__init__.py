"""What meta-training and the service must share: from an image's pixels to a query's logits.

Importing this package makes ``import torchvision`` work beside any torch build (see
``torchvision_operators``), so import it before torchvision.
"""

from models.torchvision_operators import declare_missing

declare_missing()
