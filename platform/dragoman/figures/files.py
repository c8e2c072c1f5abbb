"""Files of figures: SVG, PDF and PNG, byte for byte the same for the same figure."""

from collections.abc import Callable
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Self

from dragoman.figures.style import STYLE, FigureError, import_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_ONE_AT_A_TIME = Lock()


class FigureForm(StrEnum):
    """Form of a figure's file."""

    SVG = "svg"
    PDF = "pdf"
    PNG = "png"

    @property
    def media_type(self) -> str:
        """Its media type."""
        return {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}[self.value]

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """The form that a file's name ends with.

        Raises:
            FigureError: it ends with none.
        """
        suffix = path.suffix.lower().removeprefix(".")
        if suffix not in list(cls):
            raise FigureError(f"'{path.name}' names no form of a figure: end it with .svg, .pdf or .png.")
        return cls(suffix)


_ABOUT = {FigureForm.SVG: "Description", FigureForm.PDF: "Subject", FigureForm.PNG: "Description"}
"""The key of a file's metadata under which it says what its numbers are of."""


def figure_bytes(
    draw: "Callable[[], Figure]", form: FigureForm, *, title: str | None = None, about: str | None = None
) -> bytes:
    """A figure as a file; without the date of its drawing, so that the same numbers make the same bytes.

    Args:
        draw: makes the figure.
        form: form of the file.
        title: what it shows, in the file's metadata.
        about: what its numbers are of, likewise: test set, decoding, prompt, signature, base, date and version.

    Raises:
        FigureError: matplotlib is not installed.
    """
    import_matplotlib()
    from matplotlib import rc_context

    nameless: dict[FigureForm, dict[str, str | None]] = {
        FigureForm.SVG: {"Date": None, "Creator": "Dragoman"},
        FigureForm.PDF: {"CreationDate": None, "Creator": "Dragoman", "Producer": None},
        FigureForm.PNG: {"Software": "Dragoman"},
    }
    told = {"Title": title, _ABOUT[form]: about}
    metadata = nameless[form] | {key: text for key, text in told.items() if text}
    out = BytesIO()
    with _ONE_AT_A_TIME, rc_context(STYLE):  # matplotlib's settings are those of the whole process
        draw().savefig(out, format=form.value, metadata=metadata)
    return out.getvalue()
