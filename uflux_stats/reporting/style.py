"""How figures look: one style, one colour-blind-safe palette, files without dates."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from numpy.typing import NDArray

# Okabe and Ito (2008), Color Universal Design, https://jfly.uni-koeln.de/color/
BLACK: Final = "#000000"
GREY: Final = "#767676"
NOTICE: Final = "#B00020"
COLOURS: Final[dict[str, str]] = {
    "baseline": "#E69F00",
    "refined": "#0072B2",
    "truth": BLACK,
    "random": "#CC79A7",
    "tower": "#009E73",
    "igbp": "#56B4E9",
    "koppen": "#D55E00",
    "blocks": GREY,
}
"""Colour of each step and split of the engine, the same in all figures."""
_UNDATED: Final[dict[str, Any]] = {"Software": None}
"""Nothing in a file says which version of matplotlib wrote it."""
_STRIP: Final = 0.14
"""Height below the figure that a notice takes [inches]."""

_RC: Final[dict[Any, object]] = {
    "figure.dpi": 150,
    "savefig.dpi": 150,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "figure.constrained_layout.use": True,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the package's style inside the block; settings are as before after it."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure [inches] that belongs to no window and no global list."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path, *, notice: str = "") -> Path:
    """Write a figure as PNG; the same figure gives the same bytes.

    Parameters
    ----------
    figure : Figure
    path : Path
        In a folder that exists.
    notice : str
        What must not be overlooked, such as that the data are generated; written below the figure.

    Returns
    -------
    Path
        Where it was written.
    """
    with style():
        if notice:
            strip = new_figure(figure.get_size_inches()[0], _STRIP)
            strip.set_layout_engine("none")
            strip.text(0.995, 0.5, notice, ha="right", va="center", fontsize=6, color=NOTICE)
            whole = np.vstack([_pixels(figure), _pixels(strip)])
            imsave(path, whole, format="png", dpi=figure.dpi, metadata=_UNDATED)
        else:
            figure.savefig(path, format="png", metadata=_UNDATED)
    return path


def _pixels(figure: Figure) -> NDArray[np.uint8]:
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def axis_label(name: str, units: str) -> str:
    """Return an axis label with its unit.

    Examples
    --------
    >>> axis_label("GPP", "gC m-2 d-1")
    'GPP [gC m$^{-2}$ d$^{-1}$]'
    """
    return f"{name} [{math_units(units)}]"


def math_units(units: str) -> str:
    """Return a unit with its powers raised.

    Examples
    --------
    >>> math_units("W m-2"), math_units("1")
    ('W m$^{-2}$', '1')
    """
    words = []
    for word in units.split():
        letters = word.rstrip("-0123456789")
        power = word[len(letters) :]
        words.append(f"{letters}$^{{{power}}}$" if letters and power else word)
    return " ".join(words)
