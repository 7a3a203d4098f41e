"""The figures of a comparison as rows of text, for reports and documents alike."""

from training.comparison.results import Results

Rows = list[list[str]]


def of_shots(results: Results) -> Rows:
    """Accuracy of each contender at each number of shots, trained on all classes."""
    return [
        [one.title, *(str(results.unseen(one.name, shots)) for shots in results.plan.tasks.shots)]
        for one in results.contenders
    ]


def of_steps(results: Results) -> Rows:
    """Accuracy after each number of inner steps, at the most of the compared shots; of those that step."""
    shots = results.plan.tasks.compared_shots[-1]
    rows = []
    for one in results.contenders:
        accuracies = results.cell(one.name)["steps"][str(shots)]["accuracy"]
        if len(accuracies) > 1:
            rows.append([one.title, *(f"{100 * value:.1f}" for value in accuracies)])
    return rows


def of_task_loss(results: Results) -> Rows:
    """Support and query loss before the first inner step and after the last measured one."""
    shots = results.plan.tasks.compared_shots[-1]
    rows = []
    for one in results.contenders:
        found = results.cell(one.name)["steps"][str(shots)]
        if len(found["steps"]) > 1:
            losses = (found[key][place] for key in ("support_loss", "query_loss") for place in (0, -1))
            rows.append([one.title, *(f"{value:.2f}" for value in losses)])
    return rows


def of_classes(results: Results) -> Rows:
    """Accuracy at the fewest compared shots, against the number of training classes."""
    shots = results.plan.tasks.compared_shots[0]
    return [
        [one.title, *(str(results.unseen(one.name, shots, count)) for count in results.counts())]
        for one in results.trained
    ]


def of_gap(results: Results) -> Rows:
    """Points between tasks of training classes and of unseen ones, against the number of training classes."""
    shots = results.plan.tasks.compared_shots[0]
    return [
        [one.title, *(f"{results.gap(one.name, shots, count):+.1f}" for count in results.counts())]
        for one in results.trained
    ]


def of_augmentation(results: Results) -> Rows:
    """What task augmentation changes, in points, paired over tasks."""
    shots = results.plan.tasks.compared_shots[0]
    rows = []
    for one in results.trained:
        gains = (results.gain(one.name, shots, count) for count in results.counts(augmented=True))
        rows.append([one.title, *(f"{gain.mean:+.1f} ± {gain.half:.1f}" for gain in gains)])
    return rows


def of_cost(results: Results) -> Rows:
    """Seconds of training and choosing, images trained on, and milliseconds of a task at the compared shots."""
    rows = []
    for one in results.contenders:
        cell = results.cell(one.name)
        training = cell["training"] or {"seconds": 0.0, "images": 0}
        on_task = (f"{1000 * seconds:.1f}" for seconds in cell["seconds_of_a_task"].values())
        seconds = (f"{training['seconds']:.1f}", f"{cell['seconds_of_choosing']:.1f}")
        rows.append([one.title, *seconds, f"{training['images']:,}", *on_task])
    return rows


def of_losses(results: Results, language: str) -> Rows:
    """Which loss on which data."""
    return [[one.title, one.loss_before(language), one.loss_on_task(language)] for one in results.contenders]
