"""``python -m uflux_stats`` is ``uflux-stats``."""

import sys

from uflux_stats.cli import main

if __name__ == "__main__":
    sys.exit(main())
