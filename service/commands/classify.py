"""Classify a folder of images by another one, without a server."""

import argparse
import json
from pathlib import Path
from typing import Any

from service.classifier import Classifier
from service.commands.image_folders import images_below, labelled_below, name_below
from service.commands.table import print_table
from service.intake import Example, Query, check_classes
from service.labels import clean_text
from service.preparation import answer_all, choose, fit_examples, prepare
from service.problems import Problem
from service.registry import AUTO, open_registry
from service.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--support", type=Path, required=True, metavar="DIR", help="a folder for each class")
    parser.add_argument("--query", type=Path, required=True, metavar="DIR", help="images to classify")
    parser.add_argument("--model", default=AUTO, help="name of an initialization (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all there is to know")


def run(arguments: argparse.Namespace) -> None:
    """Fit, answer, print."""
    settings = Settings.from_environment()
    examples = [
        Example(
            name_below(path, arguments.support),
            path.read_bytes(),
            settings.max_pixels,
            label=clean_text(label, field="support", file=path.name),
        )
        for label, path in labelled_below(arguments.support)
    ]
    check_classes([example.label for example in examples], settings)
    initialization = choose(open_registry(settings.data_dir), arguments.model, examples)
    classifier = fit_examples(initialization, [(None, one) for one in examples], _never_late)
    answers = [
        _answer(classifier, path, name_below(path, arguments.query), settings)
        for path in images_below(arguments.query)
    ]
    estimate = classifier.estimated()
    if arguments.json is not None:
        document = {"model": classifier.model, "estimate": estimate, "predictions": answers}
        arguments.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print_table(("image", "answer", "probability", ""), [_row(answer) for answer in answers])
    classes = len(classifier.labels)
    print(
        f"\n{classes} classes from {len(examples)} examples by {classifier.model}; expected accuracy "
        f"{estimate['accuracy']:.0%} ({estimate['low']:.0%} to {estimate['high']:.0%})"
    )


def _answer(classifier: Classifier, path: Path, name: str, settings: Settings) -> dict[str, Any]:
    query = Query(name, path.read_bytes(), settings.max_pixels)
    try:
        prepared = prepare(classifier.preprocessing, [query], _never_late)
        return answer_all(classifier, prepared, _never_late)[0]
    except Problem as problem:
        return {"filename": name, "error": problem.detail}


def _row(answer: dict[str, Any]) -> tuple[str, str, str, str]:
    if "error" in answer:
        return answer["filename"], "-", "", answer["error"]
    remark = "fits none of the classes" if answer["unknown"] else ""
    return answer["filename"], answer["label"], f"{answer['probability']:.1%}", remark


def _never_late() -> None:
    """Take all the time there is: nobody waits for an answer but the caller of this command."""
