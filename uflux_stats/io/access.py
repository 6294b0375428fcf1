"""How each data set of the catalog is got: by download, or by hand from where one signs in."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uflux_stats.errors import DataFileError
from uflux_stats.io.co2 import read_noaa_co2


def _any_file(_: Path) -> None:
    """Hold nothing against a file whose checksum says all."""


def _zip_archive(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        raise DataFileError(f"file: expected a zip archive, got something else as {path.name}")


@dataclass(frozen=True)
class RemoteFile:
    """One file of the web.

    Attributes
    ----------
    name
        What it is called in the user's folder.
    url
        Where it is.
    checksum
        ``sha256:...`` or ``md5:...``; none where its publisher changes the file under one address
        or tells none.
    inspect
        Raises an error where a file without checksum is not what it should be, such as the page
        of a portal.
    """

    name: str
    url: str
    checksum: str | None = None
    inspect: Callable[[Path], object] = _any_file

    def __post_init__(self) -> None:
        """Refuse a name that leads out of the folder."""
        if Path(self.name).name != self.name:
            raise DataFileError(
                f"name: expected the name of a file, got {self.name!r}; get it by hand"
            )


@dataclass(frozen=True)
class ZenodoRecord:
    """All files of a record, with the checksums that Zenodo tells."""

    url: str


@dataclass(frozen=True)
class ByHand:
    """Data that a person gets: where, how, and what their folder must look like."""

    where: str
    steps: tuple[str, ...]
    folder: tuple[str, ...]


Access = tuple[RemoteFile, ...] | ZenodoRecord | ByHand

_EARTHDATA: Final = "sign in to NASA Earthdata (free), https://urs.earthdata.nasa.gov"
_AS_DOWNLOADED: Final = "leave the names of files as they are; archives need no unpacking"
_NOAA: Final = "https://gml.noaa.gov/webdata/ccgg/trends/co2/"

ACCESS: Final[dict[str, Access]] = {
    "noaa_co2": (
        RemoteFile("co2_mm_gl.csv", f"{_NOAA}co2_mm_gl.csv", inspect=read_noaa_co2),
        RemoteFile("co2_mm_mlo.csv", f"{_NOAA}co2_mm_mlo.csv", inspect=read_noaa_co2),
    ),
    "natural_earth": (
        RemoteFile(
            "ne_50m_admin_0_countries.zip",
            "https://naciscdn.org/naturalearth/50m/cultural/ne_50m_admin_0_countries.zip",
            inspect=_zip_archive,
        ),
    ),
    "srdb": (
        RemoteFile(
            "srdb-data.csv",
            "https://raw.githubusercontent.com/bpbond/srdb/v20200511a/srdb-data.csv",
            "sha256:3695124acf2744cff2720eb923ec12da3e436aba67e2ab58b48fca754a54b361",
        ),
    ),
    "gcb2023": (
        # the name of an object at ICOS is the start of its checksum, so the two prove each other
        RemoteFile(
            "Global_Carbon_Budget_2023v1.1.xlsx",
            "https://data.icos-cp.eu/licence_accept?ids=%5B%22NMvAsIKjrLx4KUeha_ckfVPP%22%5D",
            "sha256:34cbc0b082a3acbc782947a16bf7247d53cf867ab4a0cd241e8491f2d00842b9",
        ),
    ),
    "uflux": ZenodoRecord("https://zenodo.org/api/records/16202323"),
    "fluxnet2015": ByHand(
        "https://fluxnet.org/data/fluxnet2015-dataset/",
        (
            "register (free) and agree to the data policy; 206 of the 212 sites are under "
            "CC-BY-4.0 (Tier One), the others have terms of their own",
            "choose the sites and SUBSET (enough here) or FULLSET; the archive of a site holds all "
            "its steps, of which the months are read",
            _AS_DOWNLOADED,
        ),
        (
            "FLX_<site>_FLUXNET2015_SUBSET_MM_<first>-<last>_<version>.csv, or the archive of each "
            "site, FLX_<site>_FLUXNET2015_SUBSET_<first>-<last>_<version>.zip",
            "*sites*.csv: site, lat, lon, IGBP, ...; or the BADM file *_BIF_*.csv or .xlsx",
            "*fapar*.csv: site, time (YYYY-MM), fapar; without it towers have no FAPAR",
        ),
    ),
    "ameriflux": ByHand(
        "https://ameriflux.lbl.gov/data/download-data/",
        (
            "sign in with an AmeriFlux account (free) and choose AmeriFlux FLUXNET under CC-BY-4.0",
            _AS_DOWNLOADED,
        ),
        ("AMF_<site>_FLUXNET_SUBSET_<first>-<last>_<version>.zip, or FULLSET, or the csv files",),
    ),
    "icos": ByHand(
        "https://data.icos-cp.eu/portal/",
        ("accept the licence; choose the ETC L2 ARCHIVE of the stations", _AS_DOWNLOADED),
        ("ICOSETC_<site>_ARCHIVE_L2.zip or ..._ARCHIVE_INTERIM_L2.zip, or the csv files",),
    ),
    "warm_winter_2020": ByHand(
        "https://doi.org/10.18160/2G60-ZHAK",
        ("accept the licence; one archive holds all stations", _AS_DOWNLOADED),
        ("FLX_<site>_FLUXNET2015_FULLSET_<first>-<last>_beta-3.zip, or the csv files",),
    ),
    "fluxnet_networks": ByHand(
        "https://data.fluxnet.org",
        ("choose the sites, by hand or by the FLUXNET Shuttle", _AS_DOWNLOADED),
        ("<network>_<site>_FLUXNET_<first>-<last>_<version>.zip, or the csv files",),
    ),
    "era5_land": ByHand(
        "https://cds.climate.copernicus.eu/datasets/reanalysis-era5-land-monthly-means",
        (
            "sign in with an ECMWF account (free) and accept the licence once, on the page of the "
            "data set; accounts of the store that closed in September 2024 do not work",
            "ask for monthly averaged reanalysis, NetCDF, unarchived: 2 m temperature and dew "
            "point, soil temperature level 1, surface solar and thermal radiation downwards, net "
            "solar and net thermal radiation, total precipitation, surface pressure",
            "a file for each year keeps requests within the limit; what comes as .zip must be "
            "unpacked",
        ),
        ("*.nc: t2m, d2m, stl1, ssrd, strd, ssr, str, tp, sp; any number of files",),
    ),
    "mcd43a4": ByHand(
        "https://doi.org/10.5067/MODIS/MCD43A4.061",
        (_EARTHDATA, "choose tiles and days; daily global coverage is many terabytes"),
        ("MCD43A4.A<year><day>.h<..>v<..>.061.*.hdf, in one folder",),
    ),
    "mcd12c1": ByHand(
        "https://doi.org/10.5067/MODIS/MCD12C1.061",
        (_EARTHDATA, "one file for each year; the run uses one year"),
        ("MCD12C1.A<year>001.061.*.hdf",),
    ),
    "mod13a1": ByHand(
        "https://doi.org/10.5067/MODIS/MOD13A1.061",
        (
            _EARTHDATA,
            "take the pixels around the towers only: point samples of AppEEARS, "
            "https://appeears.earthdatacloud.nasa.gov",
        ),
        ("an R data file or a table of site, date and index; see uflux_stats.io.surface",),
    ),
    "srtm": ByHand(
        "https://doi.org/10.5067/MEaSUREs/SRTM/SRTMGL1.003",
        (_EARTHDATA, "choose the tiles of one degree"),
        ("N<..>E<...>.hgt or .hgt.zip, in one folder",),
    ),
    "koppen": ByHand(
        "https://www.gloh2o.org/koppen/",
        (
            "open download, no sign-in; the page now offers version 2 (Beck et al. 2023) first, "
            "with the same 30 classes: cite the one you take",
        ),
        ("the GeoTIFF of 30 classes of the present climate, such as koppen_geiger_0p01.tif",),
    ),
    "c4": ByHand(
        "https://doi.org/10.1038/s41467-024-45606-3",
        ("open download, no sign-in: follow 'Data availability' of the paper",),
        ("NetCDF, yearly share of C4 vegetation in percent",),
    ),
    "trendy": ByHand(
        "https://sites.exeter.ac.uk/trendy/",
        (
            "see first what of former budgets is open at https://mdosullivan.github.io/GCB/ (v12 "
            "belongs to the budget of 2023); ask for the rest by the form of "
            "https://globalcarbonbudget.org/data-hub/request-access-to-more-global-carbon-budget-data/",
            "agree with the coordinators on the use; the data policy, "
            "https://blogs.exeter.ac.uk/trendy/data-policy/, tells when the modelling groups are "
            "to be invited as authors, three weeks before submission at least",
            "take one scenario: S1 with CO2 alone, S2 with climate too, S3 with land use as well",
        ),
        (
            "<model>_<scenario>_<variable>.nc: gpp, npp or ra, rh or nbp, cVeg, cSoil, ...",
            "models may be in folders of their own; uflux-stats data check lists what is seen",
        ),
    ),
    "hwsd": ByHand(
        "https://www.ilamb.org",
        (
            "open download, no sign-in: the half-degree map is among the data of ILAMB, which its "
            "program ilamb-fetch gets",
        ),
        ("HWSD_soilc_0.5x0.5.nc, or another map of soil carbon with hwsd in its name",),
    ),
    "ncscd": ByHand(
        "https://doi.org/10.5194/essd-5-393-2013",
        ("open download, no sign-in: follow the data record that the paper names",),
        ("NCSCDV22_soilc_0.5x0.5.nc",),
    ),
    "cci_biomass": ByHand(
        "https://doi.org/10.5285/bf535053562141c6bb7ad831f5998d77",
        (
            "open to all, no sign-in: the folders agb/maps/v5.01 of the archive behind the record, "
            "https://data.ceda.ac.uk/neodc/esacci/biomass/data/agb/maps/",
            "take one year, as one global NetCDF (tens of GB) or as tiles of GeoTIFF of 10 degrees",
        ),
        (
            "ESACCI-BIOMASS-L4-AGB-MERGED-100m-<year>-fv5.01.nc, or the tiles of one year in one "
            "folder: N<..>E<...>_ESACCI-BIOMASS-L4-AGB-MERGED-100m-<year>-fv5.01.tif",
        ),
    ),
}
"""How each data set of the catalog is got."""
