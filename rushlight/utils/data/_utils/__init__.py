"""The machinery of the DataLoader: collating, fetching, worker processes and the channel to them."""

from __future__ import annotations

from . import collate, fetch, info

__all__ = ["collate", "fetch", "info"]
