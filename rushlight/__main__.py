"""`python -m rushlight`."""

from __future__ import annotations

import sys

from rushlight.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
