"""The HTTP routes, one file per subject; each reads its input, asks a component, and shows the answer."""
