"""``python -m service classify``: fit a classifier to a folder per class and query it, without a server."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from service.commands.doubts import tell_doubts
from service.commands.estimates import expectation, probability
from service.commands.folders import images_of, labelled_files
from service.commands.options import add_keep_known, add_model, add_support
from service.commands.outputs import check_answers, check_output, written_whole
from service.results import Row
from service.settings import Settings
from service.uploads.labels import one_line


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("classify", help="classify images without a server")
    add_support(parser)
    parser.add_argument("--query", type=Path, required=True, help="folder of images to classify, or one image")
    add_model(parser)
    add_keep_known(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the full answers to this JSON file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print a table of answers; for an image that cannot be read, it shows the reason instead."""
    if options.json is not None:
        check_output(options.json)
    settings = Settings.from_environment()
    support, queries = labelled_files(options.support), images_of(options.query)
    from service.commands.without_server import answered, fitted  # here, as torch takes long to import

    classifier = fitted(support, options.model, options.keep_known, settings)
    rows = answered(classifier, queries, settings)
    told = list(tqdm(rows, total=len(queries), unit="image", disable=None, leave=False))
    check_answers(told)
    _print_table(told, classifier.labels)
    estimate = classifier.estimated()
    print(f"\n{classifier.model}: {expectation(estimate)}")
    if options.json is not None:  # before stderr, which may be closed or full
        _write(options.json, {"model": classifier.model, "estimate": estimate, "predictions": told})
    doubtful = [one for one in classifier.left_out if one.doubtful]
    tell_doubts([(one.known.filename, one.known.label, one.resembles) for one in doubtful])
    if errors := sum("error" in row for row in told):
        print(f"{errors} of {len(told)} images could not be read", file=sys.stderr)


def _print_table(rows: Sequence[Row], labels: Sequence[str]) -> None:
    width = max(len(row["filename"]) for row in rows)
    widest = max(len(label) for label in (*labels, "label"))
    print(f"{'image':{width}}  {'label':{widest}}  probability  most like")
    for row in rows:
        name = one_line(row["filename"])  # control characters could make a terminal do anything
        if "error" in row:
            print(f"{name:{width}}  {one_line(row['error']).removeprefix(name).strip()}")
            continue
        mark = "  (fits none of the classes)" if row["unknown"] else ""
        nearest = one_line(row["nearest"][0]["filename"])
        print(f"{name:{width}}  {row['label']:{widest}}  {probability(row['probability']):>11}  {nearest}{mark}")


def _write(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    with written_whole(path) as file:
        file.write(text.encode(errors="backslashreplace"))  # for bytes in a path that are not UTF-8
