"""The older place of `rushlight.ao.nn.qat`."""

from rushlight.ao.nn.qat import dynamic as dynamic
from rushlight.ao.nn.qat.modules import *
