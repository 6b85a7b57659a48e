"""Profiles of training loops: which steps to record, and what to do with each recording.

Source: https://docs.pytorch.org/docs/2.13/profiler.html
"""

from rushlight.autograd.profiler import record_function as record_function
from rushlight.autograd.profiler_util import DeviceType as DeviceType
from rushlight.profiler.profiler import *
