"""Distances of languages by the features of URIEL+ (https://github.com/LeeLanguageLab/URIELPlus).

The package `urielplus` is read as data alone: run, it would copy files beside its own code, which an installation that
is read-only refuses. Distances are its own before rounding: d(a, b) = 2/π · arccos(u·v / ‖u‖‖v‖) over the features that
are known of both languages, a feature being there where one of its sources has it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import langcodes
import numpy as np
from langcodes.data_dicts import NORMALIZED_MACROLANGUAGES
from numpy.typing import NDArray

from dragoman.analysis.mantel import Matrix
from dragoman.errors import DragomanError

CATEGORIES = {
    "genetic": ("family_features.npz", ""),
    "geographic": ("geocoord_features.npz", ""),
    "syntactic": ("features.npz", "S_"),
    "phonological": ("features.npz", "P_"),
    "inventory": ("features.npz", "INV_"),
    "featural": ("features.npz", ""),
    "script": ("script_features.npz", ""),
}
"""The file of each category of features, and what the names of its features begin with."""

SOURCE = "URIEL+ (package urielplus, CC BY-SA 4.0)"

_UNKNOWN = -1
"""What stands where a source knows nothing of a feature."""

_NOTHING = 1e-10
"""What stands for each feature of a language that has none of those compared, as in URIEL+."""


class _Features(NamedTuple):
    """A file of features."""

    names: NDArray[np.str_]
    rows: dict[str, int]
    values: NDArray[np.float64]


def distances(languages: Sequence[str], category: str) -> Matrix:
    """The distances of some languages; NaN where no feature is known of both, or a language is not there at all.

    Args:
        languages: canonical tags.
        category: one of `CATEGORIES`.

    Raises:
        DragomanError: the package is not installed, or its files are others than they were.
    """
    file, prefix = CATEGORIES[category]
    features = _read(file)
    chosen = np.char.startswith(features.names, prefix)
    codes = [_code(tag, features.rows) for tag in languages]
    vectors = [None if code is None else _vector(features, features.rows[code], chosen, category) for code in codes]
    found = np.full((len(languages), len(languages)), np.nan)
    for place, own in enumerate(vectors):
        for other_place, other in enumerate(vectors[: place + 1]):
            if own is not None and other is not None:
                found[place, other_place] = found[other_place, place] = _angle(own, other)
    return found


def _angle(u: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    known = ~np.isnan(u) & ~np.isnan(v)
    if not known.any():
        return float("nan")
    sides = []
    for side in (u[known], v[known]):
        held = side if side.any() else np.full(side.shape, _NOTHING)
        sides.append(held / np.linalg.norm(held))
    return float(2 / np.pi * np.arccos(np.clip(sides[0] @ sides[1], -1, 1)))


def _vector(features: _Features, row: int, chosen: NDArray[np.bool_], category: str) -> NDArray[np.float64]:
    """A language's features; NaN where no source knows one. What sources differ in is there where one has it."""
    by_source = features.values[row][chosen].astype(np.float64)
    by_source[(by_source == _UNKNOWN) | ~np.isfinite(by_source)] = np.nan
    known = ~np.isnan(by_source).all(axis=1)
    vector = np.full(len(by_source), np.nan)
    vector[known] = (np.nanmean if category == "geographic" else np.nanmax)(by_source[known], axis=1)
    return vector


def _code(tag: str, known: Mapping[str, int]) -> str | None:
    """The code of a language among those of URIEL+: ISO 639-3, and of a macrolanguage its usual individual language."""
    language = langcodes.Language.get(tag)
    usual = [one for one, whole in NORMALIZED_MACROLANGUAGES.items() if whole == language.language]
    return next((code for code in (*usual, language.to_alpha3()) if code in known), None)


@cache
def _read(file: str) -> _Features:
    found = find_spec("urielplus")
    if found is None or found.origin is None:
        raise DragomanError(
            "Similarities of URIEL+ need the package urielplus, whose data are under CC BY-SA 4.0: "
            "`pip install 'dragoman[languages]'`, or take a measure of CLDR (--similarity cldr)."
        )
    path = Path(found.origin).parent / "database" / "original_uriel" / file
    try:
        with np.load(path, allow_pickle=False) as held:
            names, languages, values = held["feats"], held["langs"], held["data"]
    except (OSError, KeyError, ValueError) as error:
        raise DragomanError(
            f"The package urielplus has no readable {path.name}: install the version that `dragoman[languages]` names."
        ) from error
    return _Features(names, {str(code): row for row, code in enumerate(languages)}, values)
