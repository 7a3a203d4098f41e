"""Freed memory stays with the process."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = """
import resource, torch
from training.run.allocation import keep_freed_memory

def faults(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.zeros(16 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if keep_freed_memory():
    first = faults(1)
    faults(20)  # the heap grows until there is room for all that is in use at once
    print(first, faults(5))
"""


def test_memory_is_used_again_without_new_pages():
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    if not done.stdout.strip():
        pytest.skip("this system's allocator leaves no choice")
    first, later = map(int, done.stdout.split())
    assert later < first / 10
