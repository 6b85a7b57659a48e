"""Measuring how long statements take: timers, their measurements, tables that compare them, random inputs.

Source: https://docs.pytorch.org/docs/2.13/benchmark_utils.html
"""

from rushlight.utils.benchmark.compare import *
from rushlight.utils.benchmark.fuzzer import *
from rushlight.utils.benchmark.measurement import *
from rushlight.utils.benchmark.timer import *
