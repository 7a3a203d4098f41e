"""Networks from images to features: as functions of their parameters, and with fixed parameters ("at rest")."""
