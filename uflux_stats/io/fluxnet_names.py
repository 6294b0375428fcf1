"""What the file names of the FLUXNET family tell: site, product, time step, years, version."""

import re
from dataclasses import dataclass
from typing import Final

FAMILY: Final = re.compile(
    r"(?P<network>[A-Za-z0-9]+)_(?P<site>[A-Za-z]{2}-[A-Za-z0-9]+)_FLUXNET(?:2015)?"
    r"(?:_(?P<product>SUBSET|FULLSET|FLUXMET))?_(?P<step>HH|HR|DD|WW|MM|YY)"
    r"(?:_(?P<first>\d{4})-(?P<last>\d{4}))?_"
    r"(?P<version>beta-\d+|\d+-\d+|v[\d.]+_r\d+|(?:INTERIM_)?L2|\d+)"
    r"\.csv"
)
"""FLUXNET2015 and AmeriFlux (FLX_AR-SLu_FLUXNET2015_SUBSET_MM_2009-2011_1-4.csv), Warm Winter 2020
(..._FULLSET_HH_1997-2020_beta-3.csv), the FLUXNET of 2025 (AMF_US-Ha1_FLUXNET_FLUXMET_HR_1991-2025_
v1.3_r1.csv) and the archives of ICOS (ICOSETC_BE-Bra_FLUXNET_DD_L2.csv, ..._DD_INTERIM_L2.csv)."""
METADATA: Final = re.compile(
    r"[A-Za-z0-9]+_[A-Za-z]{2}-[A-Za-z0-9]+_(?:(?:FLUXNET_)?BIF_[^/]*|SITEINFO_(?:INTERIM_)?L2)\.(?:csv|xlsx)"
)
"""Site metadata in the interchange format of BADM: FLX_AA-Flx_BIF_LATEST.csv, ..._SITEINFO_L2.csv,
AMF_US-Ha1_FLUXNET_BIF_1991-2025_v1.3_r1.csv."""
_BY_NETWORK: Final = "fluxnet_networks"
NETWORKS: Final = {
    "FLX": "fluxnet2015", "AMF": "ameriflux", "ICOSETC": "icos", "ICOS": "icos", "TWIN": None,
    **dict.fromkeys(("CNF", "EUF", "JPF", "KOF", "OZF", "SAEON", "TERN"), _BY_NETWORK),
}  # fmt: skip
"""Network by the first letters of a file name, and what of the catalog to cite; a twin is none."""
STEPS: Final = {
    "HH": "half-hourly", "HR": "hourly", "DD": "daily", "WW": "weekly", "MM": "monthly",
    "YY": "yearly",
}  # fmt: skip
PREFERRED: Final = ("MM", "DD", "HH", "HR", "WW")
"""Steps that give months, best first: weeks do not end with months, so they come last."""
_OLD, _NEW = 0, 1
"""Generations of version numbers: 1-4 and the like, and v1.3_r1."""


@dataclass(frozen=True)
class TowerName:
    """A file name of the family; ``years`` is None where the name has none (ICOS archives).

    ``source`` is the key of the catalog of what to cite, None for generated towers.
    """

    site: str
    product: str
    step: str
    years: tuple[int, int] | None
    version: tuple[int, ...]
    source: str | None


def parse_tower_name(name: str) -> TowerName | None:
    """Read the name of a tower file; None if it is of another kind.

    Examples
    --------
    >>> parse_tower_name("FLX_CH-Dav_FLUXNET2015_FULLSET_HH_1997-2020_beta-3.csv").version
    (0, 3, 0)
    >>> parse_tower_name("ICOSETC_BE-Bra_FLUXNET_DD_INTERIM_L2.csv").step
    'DD'
    >>> parse_tower_name("AMF_US-SRM_FLUXNET_SUBSET_MM_2004-2023_3-6.csv").source
    'ameriflux'
    >>> parse_tower_name("FLX_AR-Vir_FLUXNET2015_ERAI_MM_1989-2014_1-3.csv") is None
    True
    """
    found = FAMILY.fullmatch(name)
    if found is None:
        return None
    years = (int(found["first"]), int(found["last"])) if found["first"] else None
    product = found["product"] or "FULLSET"
    version = found["version"]
    source = _source(found["network"], version)
    return TowerName(found["site"], product, found["step"], years, _version(version), source)


def _source(network: str, version: str) -> str | None:
    if network == "FLX" and version.startswith("beta"):
        return "warm_winter_2020"
    return NETWORKS.get(network, _BY_NETWORK)


def is_metadata(name: str) -> bool:
    """Tell whether a file name is one of site metadata (BADM)."""
    return METADATA.fullmatch(name) is not None


def is_family(name: str) -> bool:
    """Tell whether a file name is of the family, but neither of a tower file nor of metadata.

    Examples
    --------
    >>> is_family("FLX_AR-Vir_FLUXNET2015_ERAI_MM_1989-2014_1-3.csv"), is_family("notes.csv")
    (True, False)
    """
    known = parse_tower_name(name) is not None or is_metadata(name)
    return name.partition("_")[0] in NETWORKS and not known


def _version(text: str) -> tuple[int, ...]:
    """Return generation, then processing before data version; "beta" and interim are the lowest."""
    if text.startswith("v"):
        return _NEW, *(int(part) for part in re.findall(r"\d+", text))
    whole = text.removeprefix("INTERIM_")
    data, _, processing = whole.rpartition("-")
    lowest = 0 if whole == text else -1
    return _OLD, int(processing.lstrip("L")), int(data) if data.isdigit() else lowest
