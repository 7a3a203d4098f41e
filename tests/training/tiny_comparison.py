"""A comparison of made-up drawings in seconds: every part of the full one, and nothing to conclude from."""

TINY = [
    "strokes",
    "--set",
    "backbone.width=8",
    "--set",
    "data={name: strokes, strokes: 26, development: 6, unseen_strokes: 6}",
    "--set",
    "classes=[8]",
    "--set",
    "augmented_classes=[]",
    "--set",
    "inner_steps=[1, 2]",
    "--set",
    "training={images: 120, tasks: 2, queries: 2, batch: 30, looks: 2}",
    "--set",
    "tasks={ways: 3, shots: [1, 2], compared_shots: [1], queries: 2, episodes: 6}",
    "--set",
    "choice={episodes: 4, rates: [0.1], steps: [1, 2], scratch_rates: [0.3], scratch_steps: [2]}",
]
