"""Where each data set comes from, under which licence, and how to cite it."""

from dataclasses import dataclass
from typing import Final

from uflux_stats.choices import require_choice
from uflux_stats.errors import MissingVariableError


@dataclass(frozen=True)
class DataSource:
    """One data set. ``doi`` is empty where the data set has none."""

    key: str
    title: str
    doi: str
    licence: str
    citation: str

    @property
    def reference(self) -> str:
        """The citation with its DOI."""
        return f"{self.citation}, doi {self.doi}" if self.doi else self.citation


_ONEFLUX: Final = "processing: Pastorello et al. (2020), doi 10.1038/s41597-020-0534-3"
_SOURCES: Final = (
    DataSource(
        "fluxnet2015",
        "FLUXNET2015 monthly tower fluxes and meteorology",
        "10.1038/s41597-020-0534-3",
        "CC-BY-4.0",
        "Pastorello, G. et al. (2020), The FLUXNET2015 dataset and the ONEFlux processing pipeline "
        "for eddy covariance data, Scientific Data 7, 225",
    ),
    DataSource(
        "ameriflux",
        "AmeriFlux FLUXNET data product",
        "",
        "CC-BY-4.0",
        "The data product of each site with its DOI (10.17190/AMF/...), as told at the download; "
        "acknowledge: Funding for the AmeriFlux data service was provided by the U.S. Department "
        f"of Energy Office of Science; {_ONEFLUX}",
    ),
    DataSource(
        "icos",
        "ICOS ecosystem stations, final quality (L2) and interim releases",
        "",
        "CC-BY-4.0",
        "ICOS RI, the release or the data product of each station with its DOI or PID, as the "
        f"Carbon Portal tells, www.icos-cp.eu/how-to-cite; {_ONEFLUX}",
    ),
    DataSource(
        "warm_winter_2020",
        "Warm Winter 2020, 73 stations in FLUXNET-Archive format, release 2022-1",
        "10.18160/2G60-ZHAK",
        "CC-BY-4.0",
        "Warm Winter 2020 Team and ICOS Ecosystem Thematic Centre (2022), Warm Winter 2020 "
        "ecosystem eddy covariance flux product for 73 stations in FLUXNET-Archive format, release "
        "2022-1, ICOS Carbon Portal (files of Drought 2018, which have the same names: doi "
        f"10.18160/YVR0-4898); {_ONEFLUX}",
    ),
    DataSource(
        "fluxnet_networks",
        "FLUXNET data product of the regional networks",
        "",
        "CC-BY-4.0",
        "The data product of each site with its DOI or PID, and what its network asks for, as "
        "DATA_POLICY_LICENSE_AND_INSTRUCTIONS.txt in the archive of the site tells; "
        f"{_ONEFLUX}",
    ),
    DataSource(
        "noaa_co2",
        "Globally averaged marine surface monthly mean CO2; before 1979 Mauna Loa",
        "10.15138/9N0H-ZH07",
        "public domain; credit NOAA GML, before May 1974 also Scripps Institution of Oceanography",
        "Lan, X., Tans, P. and Thoning, K. W., Trends in globally-averaged CO2 determined from "
        "NOAA Global Monitoring Laboratory measurements",
    ),
    DataSource(
        "natural_earth",
        "Natural Earth country polygons, 1:50 million",
        "",
        "public domain",
        "Made with Natural Earth, naturalearthdata.com",
    ),
    DataSource(
        "trendy",
        "TRENDY ensemble of dynamic global vegetation models",
        "10.1029/2024GB008102",
        "by the TRENDY data policy, in agreement with the modellers; not for redistribution",
        "Sitch, S. et al. (2024), Trends and drivers of terrestrial sources and sinks of carbon "
        "dioxide: an overview of the TRENDY project, Global Biogeochemical Cycles 38",
    ),
    DataSource(
        "gcb2023",
        "Global Carbon Budget 2023",
        "10.5194/essd-15-5301-2023",
        "CC-BY-4.0",
        "Friedlingstein, P. et al. (2023), Global Carbon Budget 2023, Earth System Science Data "
        "15, 5301-5369",
    ),
    DataSource(
        "mcd43a4",
        "MODIS nadir BRDF-adjusted reflectance, 500 m, daily, collection 6.1",
        "10.5067/MODIS/MCD43A4.061",
        "no restriction on use (LP DAAC); cite",
        "Schaaf, C. and Wang, Z. (2021), MODIS/Terra+Aqua BRDF/Albedo Nadir BRDF Adjusted Ref "
        "Daily L3 Global - 500m V061, NASA LP DAAC",
    ),
    DataSource(
        "mcd12c1",
        "MODIS land cover, 0.05 degree, yearly, IGBP classes, collection 6.1",
        "10.5067/MODIS/MCD12C1.061",
        "no restriction on use (LP DAAC); cite",
        "Friedl, M. and Sulla-Menashe, D. (2022), MODIS/Terra+Aqua Land Cover Type Yearly L3 "
        "Global 0.05Deg CMG V061, NASA LP DAAC",
    ),
    DataSource(
        "mod13a1",
        "MODIS vegetation indices, 500 m, 16 days, collection 6.1",
        "10.5067/MODIS/MOD13A1.061",
        "no restriction on use (LP DAAC); cite",
        "Didan, K. (2021), MODIS/Terra Vegetation Indices 16-Day L3 Global 500m SIN Grid V061, "
        "NASA LP DAAC",
    ),
    DataSource(
        "srtm",
        "Elevation of the Shuttle Radar Topography Mission, 1 arc second",
        "10.5067/MEaSUREs/SRTM/SRTMGL1.003",
        "no restriction on use (LP DAAC); cite",
        "NASA JPL (2013), NASA Shuttle Radar Topography Mission Global 1 arc second, NASA LP DAAC",
    ),
    DataSource(
        "era5_land",
        "ERA5-Land reanalysis, 0.1 degree",
        "10.5194/essd-13-4349-2021",
        "CC-BY-4.0 since 2 July 2025, before that the licence to use Copernicus products",
        "Munoz-Sabater, J. et al. (2021), ERA5-Land: a state-of-the-art global reanalysis dataset "
        "for land applications, Earth System Science Data 13, 4349-4383; the data: "
        "doi 10.24381/cds.68d2bb30",
    ),
    DataSource(
        "koppen",
        "Koppen-Geiger climate classes, 1 km",
        "10.1038/sdata.2018.214",
        "CC-BY-4.0",
        "Beck, H. E. et al. (2018), Present and future Koppen-Geiger climate classification maps "
        "at 1-km resolution, Scientific Data 5, 180214",
    ),
    DataSource(
        "c4",
        "Global share of C4 vegetation",
        "10.1038/s41467-024-45606-3",
        "CC-BY-4.0",
        "Luo, X. et al. (2024), Mapping the global distribution of C4 vegetation using "
        "observations and optimality theory, Nature Communications 15",
    ),
    DataSource(
        "hwsd",
        "Harmonized World Soil Database, soil carbon on a half-degree grid",
        "10.5194/bg-10-1717-2013",
        "cite",
        "Todd-Brown, K. E. O. et al. (2013), Causes of variation in soil carbon simulations from "
        "CMIP5 Earth system models and comparison with observations, Biogeosciences 10, 1717-1736; "
        "the database: FAO, IIASA, ISRIC, ISSCAS and JRC (2012)",
    ),
    DataSource(
        "ncscd",
        "Northern Circumpolar Soil Carbon Database, version 2.2",
        "10.5194/essd-5-393-2013",
        "cite",
        "Hugelius, G. et al. (2013), A new data set for estimating organic carbon storage to 3 m "
        "depth in soils of the northern circumpolar permafrost region, Earth System Science Data "
        "5, 393-402",
    ),
    DataSource(
        "srdb",
        "Global soil respiration database, version 5",
        "10.5194/essd-13-255-2021",
        "MIT",
        "Jian, J. et al. (2021), A restructured and updated global soil respiration database "
        "(SRDB-V5), Earth System Science Data 13, 255-267",
    ),
    DataSource(
        "cci_biomass",
        "ESA CCI above-ground biomass, 100 m, version 5.01",
        "10.5285/bf535053562141c6bb7ad831f5998d77",
        "ESA CCI biomass terms and conditions: open, cite",
        "Santoro, M. and Cartus, O. (2024), ESA Biomass Climate Change Initiative: global datasets "
        "of forest above-ground biomass, NERC EDS Centre for Environmental Data Analysis",
    ),
    DataSource(
        "uflux",
        "Fluxes and stocks of the method paper, as its authors archived them",
        "10.5281/zenodo.16202323",
        "as the record of the archive says",
        "Zhu et al. (2026), Agricultural and Forest Meteorology, "
        "doi 10.1016/j.agrformet.2026.111197, and the archive itself",
    ),
)

CATALOG: Final[dict[str, DataSource]] = {source.key: source for source in _SOURCES}
"""All data sets that the readers know, by key."""


def data_source(key: str) -> DataSource:
    """Look a data set up by key.

    Raises
    ------
    MissingVariableError
        If the catalog has no such key.

    Examples
    --------
    >>> data_source("fluxnet2015").licence
    'CC-BY-4.0'
    """
    require_choice(key, CATALOG, name="key", error=MissingVariableError)
    return CATALOG[key]
