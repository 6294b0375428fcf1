"""Posteriors of respiration parameters by class, continent and site, and what follows from them."""
