"""Charts as SVG that needs nothing else: light and dark, with a tooltip on every point."""
