"""Emulation of carbon allocation: component fluxes and stocks from vegetation models."""

from uflux_stats.emulation.emulating import emulate, emulate_to_store, emulate_to_stores
from uflux_stats.emulation.emulator import Emulator, train_emulator
from uflux_stats.emulation.options import EmulateOptions

__all__ = [
    "EmulateOptions",
    "Emulator",
    "emulate",
    "emulate_to_store",
    "emulate_to_stores",
    "train_emulator",
]
