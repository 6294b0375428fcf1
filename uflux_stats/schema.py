"""The one table of variables: name, unit, dims, plausible range, sign and CF name.

Sign convention: fluxes of carbon are positive in the sense of their name (GPP into the plant, RECO
out of the ecosystem); NEE is positive to the atmosphere and NEP = -NEE. LE is positive upward,
radiation as downward (RNET: downward minus upward).
"""

from dataclasses import dataclass
from typing import Final

from uflux_stats.choices import require_choice
from uflux_stats.errors import MissingVariableError

CARBON_FLUX: Final = "gC m-2 d-1"
CARBON_STOCK: Final = "gC m-2"
HEAT_FLUX: Final = "W m-2"


@dataclass(frozen=True)
class Variable:
    """One row of the table.

    ``low`` and ``high`` bound what a monthly mean on land can be; beyond them a value is a fault or
    in another unit, not an extreme.
    """

    name: str
    units: str
    long_name: str
    low: float
    high: float
    kind: str
    standard_name: str | None = None

    @property
    def attrs(self) -> dict[str, str]:
        """CF attributes of this variable."""
        named = {"units": self.units, "long_name": self.long_name}
        return named | ({"standard_name": self.standard_name} if self.standard_name else {})


_ROWS: Final = (
    # drivers that change with time
    Variable("TA", "degC", "air temperature", -75, 55, "driver", "air_temperature"),
    Variable("TS", "degC", "soil temperature", -60, 60, "driver", "soil_temperature"),
    Variable("VPD", "hPa", "vapour pressure deficit", 0, 100, "driver",
             "water_vapor_saturation_deficit_in_air"),
    Variable("SWIN", HEAT_FLUX, "incoming shortwave radiation", 0, 500, "driver",
             "surface_downwelling_shortwave_flux_in_air"),
    Variable("LWIN", HEAT_FLUX, "incoming longwave radiation", 40, 550, "driver",
             "surface_downwelling_longwave_flux_in_air"),
    Variable("RNET", HEAT_FLUX, "net radiation", -200, 350, "driver",
             "surface_net_downward_radiative_flux"),
    Variable("P", "mm d-1", "precipitation", 0, 150, "driver", "lwe_precipitation_rate"),
    Variable("PA", "kPa", "air pressure", 40, 110, "driver", "surface_air_pressure"),
    Variable("CO2", "ppm", "carbon dioxide mole fraction in air", 250, 700, "driver",
             "mole_fraction_of_carbon_dioxide_in_air"),
    Variable("FAPAR", "1", "fraction of absorbed photosynthetically active radiation", 0, 1,
             "driver",
             "fraction_of_surface_downwelling_photosynthetic_radiative_flux_absorbed_by_vegetation"),
    Variable("NIRV", "1", "near-infrared reflectance of vegetation", -0.2, 1, "driver"),
    Variable("NDVI", "1", "normalised difference vegetation index", -1, 1, "driver",
             "normalized_difference_vegetation_index"),
    # drivers that stay
    Variable("IGBP", "class", "IGBP land cover class", 0, 255, "static"),
    Variable("KOPPEN", "class", "main Koppen climate class", 0, 5, "static"),
    Variable("C4", "1", "share of C4 plants", 0, 1, "static"),
    Variable("DEM", "m", "elevation", -500, 9000, "static", "surface_altitude"),
    Variable("LANDFRAC", "1", "land fraction of the cell", 0, 1, "static", "land_area_fraction"),
    # fluxes
    Variable("GPP", CARBON_FLUX, "gross primary production", -10, 40, "flux",
             "gross_primary_productivity_of_biomass_expressed_as_carbon"),
    Variable("RECO", CARBON_FLUX, "ecosystem respiration", -10, 40, "flux"),
    Variable("NEE", CARBON_FLUX, "net ecosystem exchange, positive to the atmosphere", -30, 30,
             "flux"),
    Variable("NEP", CARBON_FLUX, "net ecosystem production, -NEE", -30, 30, "flux",
             "surface_net_downward_mass_flux_of_carbon_dioxide_expressed_as_carbon"
             "_due_to_all_land_processes"),
    Variable("NPP", CARBON_FLUX, "net primary production", -20, 30, "flux",
             "net_primary_productivity_of_biomass_expressed_as_carbon"),
    Variable("Ra", CARBON_FLUX, "autotrophic respiration", 0, 30, "flux",
             "plant_respiration_carbon_flux"),
    Variable("Rh", CARBON_FLUX, "heterotrophic respiration", 0, 30, "flux",
             "heterotrophic_respiration_carbon_flux"),
    Variable("NBP", CARBON_FLUX, "net biome production", -30, 30, "flux",
             "surface_net_downward_mass_flux_of_carbon_dioxide_expressed_as_carbon"
             "_due_to_all_land_processes"),
    Variable("LE", HEAT_FLUX, "latent heat flux", -100, 350, "flux",
             "surface_upward_latent_heat_flux"),
    # stocks
    Variable("cVeg", CARBON_STOCK, "carbon in vegetation", 0, 1e5, "stock",
             "vegetation_carbon_content"),
    Variable("cLeaf", CARBON_STOCK, "carbon in leaves", 0, 1e4, "stock"),
    Variable("cWood", CARBON_STOCK, "carbon in wood", 0, 1e5, "stock"),
    Variable("cRoot", CARBON_STOCK, "carbon in roots", 0, 1e5, "stock"),
    Variable("cLitter", CARBON_STOCK, "carbon in litter", 0, 1e5, "stock", "litter_carbon_content"),
    Variable("cSoil", CARBON_STOCK, "carbon in soil", 0, 1e6, "stock", "soil_carbon_content"),
    Variable("cAGB", CARBON_STOCK, "carbon in above-ground biomass", 0, 1e5, "stock"),
    Variable("cBGB", CARBON_STOCK, "carbon in below-ground biomass", 0, 1e5, "stock"),
)  # fmt: skip

SCHEMA: Final[dict[str, Variable]] = {row.name: row for row in _ROWS}
"""Every variable of the package, by name."""

FLUXES: Final = ("GPP", "RECO", "NEE", "LE")
JUDGED: Final = ("DI", "AOA")
"""What tells where upscaled fluxes may be believed, and so what is made of them."""
"""The fluxes that towers measure and the engine refines."""

# MCD12C1 (MODIS collection 6.1) numbering of the IGBP classes.
IGBP_CLASSES: Final[dict[int, str]] = {
    0: "WAT", 1: "ENF", 2: "EBF", 3: "DNF", 4: "DBF", 5: "MF", 6: "CSH", 7: "OSH", 8: "WSA",
    9: "SAV", 10: "GRA", 11: "WET", 12: "CRO", 13: "URB", 14: "CVM", 15: "SNO", 16: "BSV",
}  # fmt: skip
KOPPEN_CLASSES: Final[dict[int, str]] = {
    1: "Tropical", 2: "Arid", 3: "Temperate", 4: "Cold", 5: "Polar",
}  # fmt: skip
MISSING_CLASS: Final = 255
"""Code of an unknown class, so that class maps can stay whole numbers."""


def variable(name: str) -> Variable:
    """Look a variable up by name.

    Raises
    ------
    MissingVariableError
        If the table has no such name; the nearest names are suggested.

    Examples
    --------
    >>> variable("VPD").units
    'hPa'
    """
    require_choice(name, SCHEMA, name="variable", error=MissingVariableError)
    return SCHEMA[name]
