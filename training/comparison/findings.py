"""What the measured figures say, as sentences whose numbers come from the results, in both languages."""

from training.comparison.contenders import SCRATCH
from training.comparison.results import Figure, Results

LANGUAGES = ("en", "zh")


def findings(results: Results, language: str) -> dict[str, list[str]]:
    """Sentences by the drawing that they are about."""
    say = _ENGLISH if language == "en" else _CHINESE
    told: dict[str, list[str]] = {}

    def tell(about: str, sentence: str, **values: object) -> None:
        told.setdefault(about, []).append(say[sentence].format(**values))

    shots = results.plan.tasks.shots
    for number in dict.fromkeys((shots[0], shots[-1])):
        meta = results.favourite(results.of_family("meta"), number)
        ordinary = results.favourite(results.of_family("ordinary"), number)
        ahead = results.ahead(meta.name, ordinary.name, number)
        tell(
            "shots",
            _verdict(ahead),
            shots=number,
            meta=meta.title,
            ordinary=ordinary.title,
            of_meta=results.unseen(meta.name, number),
            of_ordinary=results.unseen(ordinary.name, number),
            points=f"{abs(ahead.mean):.1f} ± {ahead.half:.1f}",
        )
        tell("shots", "scratch", shots=number, scratch=results.unseen(SCRATCH, number))
    number, counts = results.plan.tasks.compared_shots[0], results.counts()
    for one in (results.favourite(results.of_family(family), number) for family in ("ordinary", "meta")):
        values = {
            "name": one.title,
            "shots": number,
            "few": counts[0],
            "all": counts[-1],
            "gap_few": f"{results.gap(one.name, number, counts[0]):.1f}",
            "gap_all": f"{results.gap(one.name, number):.1f}",
            "with_few": results.unseen(one.name, number, counts[0]),
            "with_all": results.unseen(one.name, number),
        }
        tell("gap", "gap", **values)
        tell("classes", "classes", **values)
        for count in results.counts(augmented=True):
            gain = results.gain(one.name, number, count)
            tell("augmentation", "gain", name=one.title, shots=number, count=count, gain=f"{gain.mean:+.1f} ± {gain.half:.1f}")
    return told


def _verdict(ahead: Figure) -> str:
    if abs(ahead.mean) <= ahead.half:
        return "even"
    return "meta ahead" if ahead.mean > 0 else "ordinary ahead"


_ENGLISH = {
    "meta ahead": "At {shots} shots the meta-learner that did best on development tasks, {meta}, reaches {of_meta} %, and "
    "the ordinary learner that did best there, {ordinary}, {of_ordinary} %: on the same tasks the meta-learner is "
    "{points} points ahead.",
    "ordinary ahead": "At {shots} shots the ordinary learner that did best on development tasks, {ordinary}, reaches "
    "{of_ordinary} %, and the meta-learner that did best there, {meta}, {of_meta} %: on the same tasks the ordinary "
    "learner is {points} points ahead.",
    "even": "At {shots} shots the meta-learner that did best on development tasks, {meta}, reaches {of_meta} %, and the "
    "ordinary learner that did best there, {ordinary}, {of_ordinary} %: on the same tasks they differ by {points} points, "
    "which may be chance.",
    "scratch": "A network from scratch reaches {scratch} % at {shots} shots.",
    "gap": "{name}, {shots}-shot: trained on {few} classes it is {gap_few} points better on tasks of those classes than on "
    "unseen ones, trained on {all} it is {gap_all}.",
    "classes": "{name}, {shots}-shot: {with_few} % after training on {few} classes, {with_all} % on {all}.",
    "gain": "{name}, {shots}-shot, {count} training classes: task augmentation changes accuracy by {gain} points.",
}
_CHINESE = {
    "meta ahead": "{shots}-shot：在开发任务上最好的元学习器 {meta} 达到 {of_meta} %，在那里最好的普通学习器 {ordinary} 达到 "
    "{of_ordinary} %；在同样的任务上，元学习器领先 {points} 个百分点。",
    "ordinary ahead": "{shots}-shot：在开发任务上最好的普通学习器 {ordinary} 达到 {of_ordinary} %，在那里最好的元学习器 {meta} 达到 "
    "{of_meta} %；在同样的任务上，普通学习器领先 {points} 个百分点。",
    "even": "{shots}-shot：在开发任务上最好的元学习器 {meta} 达到 {of_meta} %，在那里最好的普通学习器 {ordinary} 达到 {of_ordinary} %；"
    "在同样的任务上二者相差 {points} 个百分点，可能只是偶然。",
    "scratch": "{shots}-shot：从零学习的网络达到 {scratch} %。",
    "gap": "{name}，{shots}-shot：用 {few} 个类训练时，它在训练类的任务上比在未见类的任务上高 {gap_few} 个百分点；用 {all} 个类训练时高 "
    "{gap_all} 个百分点。",
    "classes": "{name}，{shots}-shot：用 {few} 个类训练后达到 {with_few} %，用 {all} 个类训练后达到 {with_all} %。",
    "gain": "{name}，{shots}-shot，{count} 个训练类：任务增强使准确率变化 {gain} 个百分点。",
}
