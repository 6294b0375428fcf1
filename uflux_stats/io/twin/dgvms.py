"""Pretend vegetation models of the twin Earth: one structure, different known parameters."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from uflux_stats.io.twin.noise import fixed_noise
from uflux_stats.io.twin.options import MODEL_NAMES, TwinOptions
from uflux_stats.io.twin.parameters import CO2_REFERENCE, CO2_RESPONSE, plant_parameters
from uflux_stats.io.twin.stocks import DAYS_PER_YEAR, decomposition_speed
from uflux_stats.units import SECONDS_PER_DAY

Floats = NDArray[np.float64]

QUANTUM: Final = 2.0**-45
"""Model fluxes are whole multiples of this [kgC m-2 s-1], so that sums are exact in 32 bits."""
PER_SECOND: Final = 1e-3 / SECONDS_PER_DAY
"""[kgC m-2 s-1] per [gC m-2 d-1]."""
BEFORE: Final = 0.95
"""Input to the spun-up state over input in the first years; less than one makes a sink."""
FLUXES: Final = ("gpp", "npp", "ra", "rh", "nbp")
POOLS: Final = ("cVeg", "cLeaf", "cWood", "cRoot", "cLitter", "cSoil")


@dataclass(frozen=True)
class Model:
    """Known parameters of one pretend model.

    Attributes
    ----------
    name
        Name in the file names.
    level, north
        Factor on true GPP, and its relative change from equator to pole.
    co2_response
        Growth of GPP per unit of ln(CO2), in place of the true one.
    cue, cue_slope
        Carbon-use efficiency NPP/GPP at 10 degC, and its change per kelvin.
    q10
        Factor of turnover of litter and soil per 10 K.
    woodiness
        Factor on the fraction of NPP that goes to wood.
    leaf_years, root_years, wood_factor, litter_years, soil_years
        Turnover times [yr]; that of wood as a factor on the class's, litter and soil at 15 degC.
    humified
        Fraction of decaying litter that becomes soil.
    """

    name: str
    level: float
    north: float
    co2_response: float
    cue: float
    cue_slope: float
    q10: float
    woodiness: float
    leaf_years: float
    root_years: float
    wood_factor: float
    litter_years: float
    soil_years: float
    humified: float


def make_models(options: TwinOptions) -> list[Model]:
    """Draw the parameters of all pretend models from the seed."""
    return [_draw(options.rng(name), name) for name in MODEL_NAMES[: options.n_dgvms]]


def _draw(rng: np.random.Generator, name: str) -> Model:
    return Model(
        name=name,
        level=float(rng.uniform(0.92, 1.12)),
        north=float(rng.uniform(-0.2, 0.2)),
        co2_response=float(rng.uniform(0.25, 0.75)),
        cue=float(rng.uniform(0.42, 0.58)),
        cue_slope=float(rng.uniform(-0.007, -0.001)),
        q10=float(rng.uniform(1.4, 2.3)),
        woodiness=float(rng.uniform(0.7, 1.25)),
        leaf_years=float(rng.uniform(0.7, 1.8)),
        root_years=float(rng.uniform(1.2, 4.0)),
        wood_factor=float(rng.uniform(0.7, 1.3)),
        litter_years=float(rng.uniform(1.0, 3.0)),
        soil_years=float(rng.uniform(18.0, 45.0)),
        humified=float(rng.uniform(0.3, 0.45)),
    )


def run_model(
    model: Model, planet: xr.Dataset, weather: xr.Dataset, gpp: xr.DataArray, options: TwinOptions
) -> xr.Dataset:
    """Run one model over all months.

    Parameters
    ----------
    model : Model
        Its parameters.
    planet, weather : xr.Dataset
        From ``make_planet`` and ``make_weather``.
    gpp : xr.DataArray, (time, cell) [gC m-2 d-1]
        True GPP, from which the model departs.
    options : TwinOptions
        For the seed.

    Returns
    -------
    xr.Dataset
        ``FLUXES`` (time, cell) [kgC m-2 s-1] and ``POOLS`` (year, cell) [kgC m-2] at the end of
        each year. The change of cVeg + cLitter + cSoil is exactly the sum of nbp over the days.
    """
    own = _exact(_own_gpp(model, weather, gpp, options) * PER_SECOND)
    efficiency = model.cue + model.cue_slope * (weather["TA"].values - 10)
    ra = _exact((1 - np.clip(efficiency, 0.25, 0.70)) * own)
    npp = own - ra
    rh, pools = _Turnover(model, planet, weather).integrate(npp)
    fields = {"gpp": own, "npp": npp, "ra": ra, "rh": rh, "nbp": npp - rh}
    year = np.unique(weather["time"].dt.year.values)
    return xr.Dataset(
        {name: (("time", "cell"), values) for name, values in fields.items()}
        | {name: (("year", "cell"), pools[:, index]) for index, name in enumerate(POOLS)},
        coords={"time": weather["time"], "year": year},
    )


def _exact(flux: Floats) -> Floats:
    return np.asarray(np.round(flux / QUANTUM) * QUANTUM)


def _own_gpp(model: Model, weather: xr.Dataset, gpp: xr.DataArray, options: TwinOptions) -> Floats:
    lat, lon = weather["lat"].values, weather["lon"].values
    local = 0.10 * fixed_noise(options.rng(f"{model.name} bias"), lat, lon)
    pattern = model.level * np.exp(local + model.north * (np.sin(np.radians(lat)) ** 2 - 0.2))
    ratio = np.log(weather["CO2"].values / CO2_REFERENCE)
    fertile = (1 + model.co2_response * ratio) / (1 + CO2_RESPONSE * ratio)
    return np.asarray(gpp.values * pattern * fertile[:, None])


def allocation(model: Model, planet: xr.Dataset) -> Floats:
    """Fractions of NPP to leaves, wood and roots (part, cell) [1]."""
    plants = plant_parameters(planet["IGBP"])
    wood = plants["wood"].values * model.woodiness
    rest = (1 - wood) / (1 - plants["wood"].values)
    leaf = plants["leaf"].values * rest
    return np.stack([leaf, wood, 1 - leaf - wood])


class _Turnover:
    """Five pools of one model, each losing a fraction per month."""

    def __init__(self, model: Model, planet: xr.Dataset, weather: xr.Dataset) -> None:
        self.days = weather["time"].dt.days_in_month.values.astype(np.float64)
        self.parts = allocation(model, planet)
        lifetime = model.wood_factor * plant_parameters(planet["IGBP"])["lifetime"].values
        like = np.ones_like(lifetime)
        self.years = np.stack([model.leaf_years * like, lifetime, model.root_years * like])
        speed = decomposition_speed(weather, model.q10)
        self.litter_rate = speed / (model.litter_years * DAYS_PER_YEAR)
        self.soil_rate = speed / (model.soil_years * DAYS_PER_YEAR)
        self.humified = model.humified

    def integrate(self, npp: Floats) -> tuple[Floats, Floats]:
        """Return rh (time, cell) [kgC m-2 s-1] and pools (year, pool, cell) [kgC m-2]."""
        state = self._steady(npp)
        early = min(60, npp.shape[0])
        for step in [*range(early)] * 2:
            state, _ = self._month(step, BEFORE * npp[step], *state)
        rh, kept = np.empty_like(npp), []
        for step in range(npp.shape[0]):
            state, rh[step] = self._month(step, npp[step], *state)
            if (step + 1) % 12 == 0:
                veg, litter, soil = state
                kept.append(np.stack([veg.sum(axis=0), *veg, litter, soil]))
        return rh, np.stack(kept)

    def _steady(self, npp: Floats) -> tuple[Floats, Floats, Floats]:
        """Pools that the mean of the first five years, somewhat lowered, would hold up."""
        supply = BEFORE * npp[:60].mean(axis=0) * SECONDS_PER_DAY
        veg = self.parts * self.years * DAYS_PER_YEAR * supply
        litter = supply / self.litter_rate[:60].mean(axis=0)
        soil = self.humified * supply / self.soil_rate[:60].mean(axis=0)
        return veg, litter, soil

    def _month(
        self, step: int, npp: Floats, veg: Floats, litter: Floats, soil: Floats
    ) -> tuple[tuple[Floats, Floats, Floats], Floats]:
        """Move all pools on by one month; what rounding leaves over stays in the soil."""
        days = self.days[step]
        seconds = days * SECONDS_PER_DAY
        fall = veg * -np.expm1(-days / (self.years * DAYS_PER_YEAR))
        decay = litter * -np.expm1(-days * self.litter_rate[step])
        loss = soil * -np.expm1(-days * self.soil_rate[step])
        rh = _exact(((1 - self.humified) * decay + loss) / seconds)
        veg = veg + self.parts * npp * seconds - fall
        litter = litter + fall.sum(axis=0) - decay
        soil = soil + decay - rh * seconds
        return (veg, litter, soil), rh
