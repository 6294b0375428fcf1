"""A network for all fluxes at once, whose loss carries what ecology knows (extra ``nn``)."""
