"""The HTTP routes, one file a subject; each reads its input, asks a component, and shows the answer."""
