"""Output of vegetation models: file sets of TRENDY and CMIP on their native grids."""

from uflux_stats.io.dgvm.check import check_dgvms
from uflux_stats.io.dgvm.read import DgvmOptions, read_dgvm
from uflux_stats.io.dgvm.registry import REGISTRY, model_entry

__all__ = ["REGISTRY", "DgvmOptions", "check_dgvms", "model_entry", "read_dgvm"]
