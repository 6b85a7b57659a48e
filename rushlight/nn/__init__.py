"""Networks: `Module` and the layers, `functional`, `init`, `Parameter`."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from rushlight.nn import _reduction as _reduction
from rushlight.nn import attention as attention
from rushlight.nn import common_types as common_types
from rushlight.nn import functional as functional
from rushlight.nn import grad as grad
from rushlight.nn import init as init
from rushlight.nn import modules as modules
from rushlight.nn import parallel as parallel
from rushlight.nn import parameter as parameter
from rushlight.nn import utils as utils
from rushlight.nn.modules import *
from rushlight.nn.modules.utils import factory_kwargs as factory_kwargs
from rushlight.nn.parallel import DataParallel as DataParallel
from rushlight.nn.parameter import Buffer as Buffer
from rushlight.nn.parameter import Parameter as Parameter
from rushlight.nn.parameter import UninitializedBuffer as UninitializedBuffer
from rushlight.nn.parameter import UninitializedParameter as UninitializedParameter

if _TYPE_CHECKING:
    from rushlight.nn import intrinsic as intrinsic
    from rushlight.nn import qat as qat
    from rushlight.nn import quantizable as quantizable
    from rushlight.nn import quantized as quantized
else:

    def __getattr__(name: str) -> object:
        # Quantized layers are read when first named.
        if name in ("intrinsic", "qat", "quantizable", "quantized"):
            from importlib import import_module

            return import_module(f"rushlight.nn.{name}")
        raise AttributeError(f"module 'rushlight.nn' has no attribute '{name}'")
