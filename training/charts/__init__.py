"""Charts as self-contained SVG, for light and dark pages, with a tooltip on every point."""
