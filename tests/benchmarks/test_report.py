"""The two forms of the rows."""

import json

from benchmarks.report import Row, head_lines, line, span_of, write

FAST = Row(
    "MAML",
    "tasks/s",
    "learn2learn",
    200.0,
    50.0,
    "3x",
    True,
    (3.5, 4.5),
    2e9,
    0.25,
    0.18,
    "products 70%, rest 30%",
    0.99995,
)
ABSENT = Row("GPU", "tasks/s", "no GPU here", target="30x")


def test_a_line_has_a_cell_for_each_column():
    for row in (FAST, ABSENT):
        assert line(row).count("|") == head_lines()[0].count("|") == head_lines()[1].count("|")


def test_a_line_tells_figures_and_verdict():
    cells = [cell.strip() for cell in line(FAST).split("|")[1:-1]]
    assert cells == [
        *(
            "MAML",
            "tasks/s",
            "200",
            "learn2learn",
            "50",
            "4.00",
            "3.50 to 4.50",
            "3x",
            "yes",
            "2",
            "25%",
            "18%",
            "products 70%, rest 30%",
            "0.999950",
        )
    ]


def test_what_was_not_measured_stays_empty():
    cells = [cell.strip() for cell in line(ABSENT).split("|")[1:-1]]
    assert cells == ["GPU", "tasks/s", "", "no GPU here", "", "", "", "30x", "", "", "", "", "", ""]


def test_both_forms_are_written(tmp_path):
    peaks = {"convolution, cpu float32": 2e11}
    write(tmp_path, [FAST, ABSENT], rounds=5, machine={"cores": 2, "gpu": None}, peaks=peaks)
    document = json.loads((tmp_path / "benchmarks.json").read_text())
    assert document["rounds"] == 5
    assert document["peaks_flops_per_s"] == peaks
    assert [row["ratio"] for row in document["rows"]] == [4.0, None]
    table = (tmp_path / "benchmarks.md").read_text()
    assert "200 GFLOP/s" in table
    assert line(FAST) in table


def test_span_is_of_rounds_side_by_side():
    assert span_of([2.0, 9.0], [1.0, 3.0]) == (2.0, 3.0)
