"""Which columns of a FLUXNET file become which variables, and what a tower can measure."""

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from uflux_stats.choices import require_choice
from uflux_stats.errors import ConfigError
from uflux_stats.schema import variable

TOWER_LIMITS: Final[dict[str, tuple[float, float]]] = {
    "LE": (-100.0, 250.0),
    "SWIN": (0.0, 360.0),
}
"""Monthly means beyond which a tower is taken to be at fault [W m-2]; otherwise the schema's."""
TOWER_CO2: Final = (300.0, 470.0)
"""Plausible monthly mean CO2 [ppm] above a canopy since towers exist."""
MISSING_VALUE: Final = -9999.0

DRIVERS: Final = {
    "TA": "TA_F",
    "TS": "TS_F_MDS_1",
    "VPD": "VPD_F",
    "SWIN": "SW_IN_F",
    "LWIN": "LW_IN_F",
    "RNET": "NETRAD",
    "P": "P_F",
    "PA": "PA_F",
}
REFERENCES: Final = (
    "REF", "MEAN", "USTAR50", "05", "16", "25", "50", "75", "84", "95",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One variable and where it stands in the file; ``quality`` only for targets."""

    name: str
    source: str
    low: float
    high: float
    quality: str | None = None


@dataclass(frozen=True)
class FluxnetOptions:
    """How tower files are read.

    Attributes
    ----------
    qc
        Smallest fraction of measured or well gap-filled half-hours (0 to 1) with which a month of
        a target is kept; None keeps all. Drivers are never filtered.
    partitioning
        GPP and RECO from night-time (NT) or daytime (DT) data.
    reference
        Which estimate of the ensemble over friction-velocity thresholds: REF is the most
        representative one, chosen separately for each variable and time step, so that RECO - GPP
        need not equal NEE, nor the mean of days the month.
    ustar
        Threshold varying from year to year (VUT) or constant (CUT).
    latent_heat
        As measured (LE_F_MDS) or corrected for energy-balance closure (LE_CORR).
    co2
        "global" takes the global mean everywhere; "tower" takes the tower's where it is
        plausible (300 to 470 ppm).
    limits
        Range per variable beyond which values are dropped, in the unit of the schema; replaces
        the row of ``TOWER_LIMITS`` or of the schema.
    """

    qc: float | None = 0.8
    partitioning: Literal["NT", "DT"] = "NT"
    reference: str = "REF"
    ustar: Literal["VUT", "CUT"] = "VUT"
    latent_heat: Literal["LE_F_MDS", "LE_CORR"] = "LE_F_MDS"
    co2: Literal["global", "tower"] = "global"
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse values that no file can serve."""
        require_choice(self.partitioning, ("NT", "DT"), name="partitioning")
        require_choice(self.reference, REFERENCES, name="reference")
        require_choice(self.ustar, ("VUT", "CUT"), name="ustar")
        require_choice(self.latent_heat, ("LE_F_MDS", "LE_CORR"), name="latent_heat")
        require_choice(self.co2, ("global", "tower"), name="co2")
        if self.qc is not None and not (
            isinstance(self.qc, float | int | np.floating) and 0 <= self.qc <= 1
        ):
            raise ConfigError(f"qc: expected a fraction 0 to 1 or None, got {self.qc!r}")
        for name in self.limits:
            variable(name)


def _column(name: str, source: str, options: FluxnetOptions, quality: str | None = None) -> Column:
    row = variable(name)
    low, high = options.limits.get(name, TOWER_LIMITS.get(name, (row.low, row.high)))
    return Column(name, source, low, high, quality)


def driver_columns(options: FluxnetOptions) -> tuple[Column, ...]:
    """List the measured drivers, with the tower's CO2 if it is wanted."""
    columns = [_column(name, source, options) for name, source in DRIVERS.items()]
    if options.co2 == "tower":
        columns.append(Column("CO2", "CO2_F_MDS", *options.limits.get("CO2", TOWER_CO2)))
    return tuple(columns)


def target_columns(options: FluxnetOptions) -> tuple[Column, ...]:
    """List the four fluxes, each with the column that tells its quality.

    Examples
    --------
    >>> [column.source for column in target_columns(FluxnetOptions(partitioning="DT"))]
    ['GPP_DT_VUT_REF', 'RECO_DT_VUT_REF', 'NEE_VUT_REF', 'LE_F_MDS']
    """
    kind = f"{options.ustar}_{options.reference}"
    carbon_quality = f"NEE_{kind}_QC"
    return (
        _column("GPP", f"GPP_{options.partitioning}_{kind}", options, carbon_quality),
        _column("RECO", f"RECO_{options.partitioning}_{kind}", options, carbon_quality),
        _column("NEE", f"NEE_{kind}", options, carbon_quality),
        _column("LE", options.latent_heat, options, "LE_F_MDS_QC"),
    )
