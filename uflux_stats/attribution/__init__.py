"""What drives the fluxes, where, by how much and how surely: networks, effects, trend shares."""
