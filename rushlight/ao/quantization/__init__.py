"""Quantization of modules: observers, fake quantizers, QConfigs, and the way from a float model to a quantized one."""

from rushlight.ao.quantization.fake_quantize import *
from rushlight.ao.quantization.fuse_modules import *
from rushlight.ao.quantization.fuser_method_mappings import *
from rushlight.ao.quantization.observer import *
from rushlight.ao.quantization.qconfig import *
from rushlight.ao.quantization.quant_type import *
from rushlight.ao.quantization.quantization_mappings import *
from rushlight.ao.quantization.quantize import *
from rushlight.ao.quantization.stubs import *
