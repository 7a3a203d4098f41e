"""Networks from images to features: as functions of their parameters, and at rest."""
