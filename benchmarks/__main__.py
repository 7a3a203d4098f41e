"""``python -m benchmarks``: the side-by-side measurements, as JSON, a Markdown table and a plot."""

import argparse
import math
import signal
import sys
import time
from pathlib import Path

from benchmarks import machine
from benchmarks.parts import PARTS, Bench
from benchmarks.report import Row, head_lines, line, set_aside, write


def main(arguments: list[str] | None = None) -> int:
    """Measure part by part; an interruption leaves finished parts written, and earlier results are kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="parts whose name contains this")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender (default 5)")
    parser.add_argument("--turn", type=float, default=3.0, help="seconds of a turn (default 3)")
    parser.add_argument("--out", type=Path, default=Path("var/benchmarks"), help="folder for the results")
    chosen = parser.parse_args(arguments)
    if chosen.rounds < 1 or not 0 < chosen.turn < math.inf:
        parser.error("--rounds must be at least 1, and --turn a number of seconds above 0")
    if chosen.out.exists() and not chosen.out.is_dir():
        parser.error(f"--out {chosen.out} is a file: name a folder")
    parts = [part for part in PARTS if chosen.only.lower() in part.name.lower()]
    if not parts:
        names = "\n  ".join(part.name for part in PARTS)
        parser.error(f"no part has {chosen.only!r} in its name; there are\n  {names}")
    # Like Ctrl-C, a request to end must unwind the stack, which ends the services.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(chosen.rounds, chosen.turn, chosen.out)
    facts, peaks = machine.described(), machine.peaks()
    rows: list[Row] = []
    with bench.stack:
        print("\n".join(head_lines()), flush=True)
        for number, part in enumerate(parts, start=1):
            start = time.perf_counter()
            print(f"[{number} of {len(parts)}] {part.name} ...", file=sys.stderr, flush=True)
            found = part.measure(bench)
            rows += found
            print("".join(f"{line(row)}\n" for row in found), end="", flush=True)
            print(f"    {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
            if number == 1:
                set_aside(chosen.out)
            write(chosen.out, rows, rounds=chosen.rounds, machine=facts, peaks=peaks)
    print(f"written to {chosen.out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
