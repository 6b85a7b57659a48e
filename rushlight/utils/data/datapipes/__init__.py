"""Pipelines of datasets: `iter` streams, `map` looks up by key; each step is a dataset around another."""

from rushlight.utils.data.datapipes import iter as iter
from rushlight.utils.data.datapipes import map as map
