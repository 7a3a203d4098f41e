"""What the measured figures say, as sentences whose numbers come from the results, in both languages."""

from training.comparison.contenders import SCRATCH
from training.comparison.results import Figure, Results
from training.comparison.wording import wording


def findings(results: Results, language: str) -> dict[str, list[str]]:
    """Sentences in a language (``en`` or ``zh``), by the drawing that they are about."""
    say = wording(language)["findings"]
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
            tell(
                "augmentation",
                "gain",
                name=one.title,
                shots=number,
                count=count,
                gain=f"{gain.mean:+.1f} ± {gain.half:.1f}",
            )
    return told


def _verdict(ahead: Figure) -> str:
    if abs(ahead.mean) <= ahead.half:
        return "even"
    return "meta ahead" if ahead.mean > 0 else "ordinary ahead"
