"""What works on finished networks: quantization, in `ao.quantization` and `ao.nn`. Read when first named."""

from rushlight.ao import nn as nn
from rushlight.ao import quantization as quantization
