"""What all charts share: colours, markers, text and the legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.sax import saxutils

from training.printable import printable

# The colours of each look on light and dark paper; lightness and markers also tell looks apart. Ordinary learners
# get warm colours, meta-learners cool ones.
_WARM = (("#6b7280", "#9ca3af"), ("#b45309", "#fbbf24"), ("#dc2626", "#f87171"))
_COOL = (
    ("#1d4ed8", "#60a5fa"),
    ("#0e7490", "#22d3ee"),
    ("#7c3aed", "#c4b5fd"),
    ("#15803d", "#4ade80"),
    ("#be185d", "#f472b6"),
    ("#4d7c0f", "#a3e635"),
    ("#334155", "#cbd5e1"),
)
COLOURS = (*_WARM, *_COOL)
FIRST_COOL = len(_WARM)  # index of the first look for meta-learners
NEUTRAL = len(COLOURS) - 1  # index of the look for what belongs to no single contender
_MARKERS = (
    "M-4-4H4V4H-4Z",
    "M0-5L5 4H-5Z",
    "M0-5.5L5.5 0L0 5.5L-5.5 0Z",
    "M-4.5 0A4.5 4.5 0 1 0 4.5 0A4.5 4.5 0 1 0-4.5 0Z",
    "M0 5L5-4H-5Z",
    "M-2-5H2V-2H5V2H2V5H-2V2H-5V-2H-2Z",
    "M-4-5L5 0L-4 5Z",
)
_STYLE = Path(__file__).parent / "chart.css"
_CHARACTER, _SWATCH, _GAP, _ROW = 6.6, 30, 18, 20


@dataclass(frozen=True)
class Look:
    """How one contender looks in every chart.

    Attributes:
        index: of its colour and marker, each counted from 0 again past the last.
        dashed: whether its line is dashed.
        hollow: whether its markers are rings.
    """

    index: int
    dashed: bool = False
    hollow: bool = False

    @property
    def classes(self) -> str:
        """The CSS classes of the SVG group that draws it."""
        extra = (" dashed" if self.dashed else "") + (" hollow" if self.hollow else "")
        return f"k{self.index % len(COLOURS)}{extra}"

    @property
    def marker(self) -> str:
        """The SVG path of its marker, around the origin."""
        return _MARKERS[self.index % len(_MARKERS)]


def escape(content: str) -> str:
    """Return a text as XML takes it: names of classes may have control characters, which no XML can hold."""
    return saxutils.escape(printable(content))


def svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    """Return a complete SVG document of these parts, ``title`` being read out to those who cannot see it."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" '
            f'role="img" aria-label="{escape(title).replace(chr(34), "&quot;")}">',
            f"<style>{_css()}</style>",
            f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" rx="6"/>',
            *parts,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, content: str, *, anchor: str = "start", kind: str = "", tip: str = "") -> str:
    """Return a line of text as SVG; ``kind`` is a class of the style sheet, ``tip`` a tooltip."""
    named = f' class="{kind}"' if kind else ""
    told = f"<title>{escape(tip)}</title>" if tip else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{told}{escape(content)}</text>'


def marker(x: float, y: float, look: Look, tip: str) -> str:
    """Return a point as SVG, with a tooltip."""
    where = f"translate({x:.1f} {y:.1f})"
    return f'<path class="m" d="{look.marker}" transform="{where}"><title>{escape(tip)}</title></path>'


def legend(entries: Sequence[tuple[str, Look]], left: float, top: float, width: float) -> tuple[list[str], float]:
    """Return swatches with names as SVG, in as many rows as ``width`` requires, and the height they take."""
    parts: list[str] = []
    x, y = left, top
    for name, look in entries:
        needs = _SWATCH + _CHARACTER * len(name) + _GAP
        if x > left and x + needs > left + width:
            x, y = left, y + _ROW
        parts.append(
            f'<g class="{look.classes}"><path class="l" d="M{x:.1f} {y:.1f}h24"/>'
            f'<path class="m" d="{look.marker}" transform="translate({x + 12:.1f} {y:.1f})"/></g>'
        )
        parts.append(text(x + _SWATCH, y + 4, name))
        x += needs
    return parts, y - top + _ROW


@cache
def _css() -> str:
    light, dark = (
        "".join(f".k{index} {{ --c: {pair[shade]}; }}\n" for index, pair in enumerate(COLOURS))
        for shade in (0, 1)
    )
    paper = ".chart { --ink: #e5e7eb; --soft: #9ca3af; --grid: #374151; --paper: #111827; }\n"
    return f"{_STYLE.read_text('utf-8')}{light}@media (prefers-color-scheme: dark) {{\n{paper}{dark}}}\n"
