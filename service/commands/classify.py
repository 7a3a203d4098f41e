"""``python -m service classify``: fit a classifier to a folder per class and ask it, without a server."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.initialization import Initialization
from service.commands.folders import image_files, labelled_files
from service.commands.keep_known_option import add_keep_known
from service.computing.classifier import Answer, Classifier
from service.computing.fitting import fit
from service.computing.preparation import choose, prepare, shots_of
from service.registry import AUTO, open_registry
from service.settings import Settings
from service.uploads.intake import Example, Query, check_classes
from service.uploads.keep_known import read_keep_known
from service.uploads.labels import clean_label


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("classify", help="classify a folder of images, without a server")
    parser.add_argument("--support", type=Path, required=True, help="labelled images: a folder per class")
    parser.add_argument("--query", type=Path, required=True, help="a folder of images to classify")
    parser.add_argument("--model", default=AUTO, help="an initialization's name (default: auto)")
    add_keep_known(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole answer there, too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print a table of answers."""
    settings = Settings.from_environment()
    keep_known = read_keep_known(options.keep_known)
    support = [
        Example(str(path), path.read_bytes(), settings.max_pixels, label=clean_label(label, field="--support"))
        for label, path in labelled_files(options.support)
    ]
    queries = [Query(str(path), path.read_bytes(), settings.max_pixels) for path in image_files(options.query)]
    check_classes([one.label for one in support], settings)
    initialization = choose(open_registry(settings.data_dir), options.model, support, lambda: None)
    classifier, answers = _answer(initialization, support, queries, keep_known)
    _print_table(classifier, answers)
    if options.json is not None:
        document = {"model": classifier.model, "estimate": classifier.estimated(), "predictions": answers}
        told = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        options.json.write_text(told, encoding="utf-8")


def _answer(
    initialization: Initialization, support: list[Example], queries: list[Query], keep_known: float
) -> tuple[Classifier, list[Answer]]:
    def unhurried() -> None:
        """Nobody waits at the other end."""

    prepared = prepare(initialization.preprocessing, queries, unhurried)
    shots = shots_of(initialization, [(None, one) for one in support], unhurried)
    classifier = replace(fit(initialization, shots, lambda _: unhurried()), keep_known=keep_known)
    return classifier, classifier.answers(prepared, unhurried)


def _print_table(classifier: Classifier, answers: list[Answer]) -> None:
    width = max(len(one["filename"]) for one in answers)
    labels = max(len(label) for label in (*classifier.labels, "label"))
    print(f"{'image':{width}}  {'label':{labels}}  probability  most like")
    for one in answers:
        mark = "  (fits none of the classes)" if one["unknown"] else ""
        nearest = one["nearest"][0]["filename"]
        print(f"{one['filename']:{width}}  {one['label']:{labels}}  {one['probability']:11.3f}  {nearest}{mark}")
    estimate = classifier.estimate
    print(
        f"\n{classifier.model}: about {estimate.accuracy:.0%} of answers should be right "
        f"({estimate.low:.0%} to {estimate.high:.0%})"
    )
