"""A heat map of a model's pairs as one self-contained HTML file, an artifact that MLflow renders."""

from collections.abc import Iterable, Sequence
from html import escape

from dragoman.analysis.pair_scores import PairScore
from dragoman.language import english_name
from dragoman.metrics.lookup import digits_of
from dragoman.pair import Pair
from dragoman.tables.table import figure

STEPS = 20
"""Colours between the lowest score and the highest."""

NUMBERED = 40
"""Languages up to which tiles hold their numbers; of more, a tile shows its number in a tooltip."""

_STYLE = """
:root { color-scheme: light; font: 14px/1.4 system-ui, sans-serif }
body { margin: 1rem; background: #fff; color: #111 }
table { border-collapse: collapse; font-size: 11px }
caption { text-align: left; font-size: 14px; padding-bottom: .5rem }
th { font-weight: 600; padding: 1px 4px; text-align: right }
thead th { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; padding: 4px 1px }
td { min-width: 10px; height: 10px; text-align: center; padding: 0; border: 1px solid #fff }
.numbers td { min-width: 30px; height: 24px }
.seen { border: 2px solid #b45309 }
.none { background: repeating-linear-gradient(45deg, #fff 0 3px, #ccc 3px 5px) }
"""


def heat_map_page(
    title: str, metric: str, languages: Sequence[str], scores: Iterable[PairScore], caption: str | None = None
) -> str:
    """The page of a model's scores, source by target.

    Colours run from the lowest score to the highest, in one hue that gets darker, so that they can be told apart with
    any eyes and in grey. A pair without a score is hatched, with the reason; the seen ones are framed.

    Args:
        title: the page's heading.
        metric: name of the metric.
        languages: tags in order, for both sides.
        scores: one for each planned pair.
        caption: what they were measured on, and how.
    """
    found = {score.pair: score for score in scores}
    values = [score.value for score in found.values() if score.value is not None]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    numbered, digits = len(languages) <= NUMBERED, digits_of(metric)
    rows = []
    for source in languages:
        tiles = [_tile(found.get(Pair(source, target)), low, high, digits, numbered=numbered) for target in languages]
        rows.append(f'<tr><th scope="row">{escape(source)}</th>{"".join(tiles)}</tr>')
    heads = "".join(f'<th scope="col" title="{escape(english_name(tag))}">{escape(tag)}</th>' for tag in languages)
    ends = f"{figure(low, digits)} (lightest) to {figure(high, digits)} (darkest)"
    said = f"{escape(metric)}, source by target: {ends}; seen pairs are framed, "
    said += f"{len(found) - len(values)} of {len(found)} pairs without a score are hatched."
    said += f"<br>{escape(caption)}" if caption else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}{_colours()}</style><h1>{escape(title)}</h1>"
        f'<table class="{"numbers" if numbered else ""}"><caption>{said}</caption>'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></html>\n"
    )


def _tile(score: PairScore | None, low: float, high: float, digits: int, *, numbered: bool) -> str:
    if score is None:
        return "<td></td>"
    frame = " seen" if score.partition == "seen" else ""
    about = f"{score.pair}, {score.partition or 'unknown'}"
    if score.value is None:
        why = score.reason or score.state.word
        return f'<td class="none{frame}" title="{escape(f"{about}: {why}")}">{"–" if numbered else ""}</td>'
    step = round(STEPS * (score.value - low) / (high - low)) if high > low else STEPS
    shown = figure(score.value, digits)
    return f'<td class="q{step}{frame}" title="{escape(about)}: {shown}">{shown if numbered else ""}</td>'


def _colours() -> str:
    """A class for each step: from near white to a dark blue, its text in whichever of black and white stands out."""
    lightness = [96 - 70 * step / STEPS for step in range(STEPS + 1)]
    return "\n".join(
        f".q{step} {{ background: hsl(212 70% {light:.0f}%); color: {'#111' if light > 52 else '#fff'} }}"
        for step, light in enumerate(lightness)
    )
