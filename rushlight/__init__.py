"""Rushlight: PyTorch's `torch.nn`, fast and light, on NumPy arrays. The names here are those of `torch`."""

import warnings as _warnings
from typing import TYPE_CHECKING as _TYPE_CHECKING

# PyTorch says nothing where a result is infinite or NaN; NumPy warns. Only warnings raised in this package are meant.
_warnings.filterwarnings(
    "ignore",
    message=r"(divide by zero|overflow|underflow|invalid value) encountered",
    category=RuntimeWarning,
    module=r"rushlight\.",
)

# The module `rushlight.tensor` comes first: the function of that name, below, takes its place as an attribute.
from rushlight.tensor import Tensor as Tensor
from rushlight import autograd as autograd
from rushlight.autograd.grad_mode import enable_grad as enable_grad
from rushlight.autograd.grad_mode import inference_mode as inference_mode
from rushlight.autograd.grad_mode import is_grad_enabled as is_grad_enabled
from rushlight.autograd.grad_mode import is_inference_mode_enabled as is_inference_mode_enabled
from rushlight.autograd.grad_mode import no_grad as no_grad
from rushlight.autograd.grad_mode import set_grad_enabled as set_grad_enabled
from rushlight.device import device as device
from rushlight.dtypes import *
from rushlight.layout import *
from rushlight.ops.activation import *
from rushlight.ops.arithmetic import *
from rushlight.ops.axes import *
from rushlight.ops.bessel import *
from rushlight.ops.bitwise import *
from rushlight.ops.choice import *
from rushlight.ops.combination import *
from rushlight.ops.comparison import *
from rushlight.ops.composed_loss import *
from rushlight.ops.broadcast import *
from rushlight.ops.complex_views import *
from rushlight.ops.rearranging import *
from rushlight.ops.splitting import *
from rushlight.ops.write import *
from rushlight.ops.conv import *
from rushlight.ops.conversion import *
from rushlight.ops.counting import *
from rushlight.ops.creation import *
from rushlight.ops.ctc import *
from rushlight.ops.einsum import *
from rushlight.ops.elu import *
from rushlight.ops.differences import *
from rushlight.ops.distance import *
from rushlight.ops.dropout import *
from rushlight.ops.exchange import *
from rushlight.ops.extremum import *
from rushlight.ops.embedding import embedding as embedding
from rushlight.ops.embedding import embedding_bag as embedding_bag
from rushlight.ops.embedding import embedding_renorm_ as embedding_renorm_
from rushlight.ops.fake_quantization import *
from rushlight.ops.gamma import *
from rushlight.ops.gated import *
from rushlight.ops.grid import *
from rushlight.ops.histograms import *
from rushlight.ops.index import *
from rushlight.ops.index_along import *
from rushlight.ops.joining import *
from rushlight.ops.linalg import det as det
from rushlight.ops.linalg import inverse as inverse
from rushlight.ops.linalg import logdet as logdet
from rushlight.ops.linalg import slogdet as slogdet
from rushlight.ops.linalg_factors import *
from rushlight.ops.least_squares import *
from rushlight.ops.lobpcg import *
from rushlight.ops.lowrank import *
from rushlight.ops.lu import *
from rushlight.ops.matrix_products import *
from rushlight.ops.removed import *
from rushlight.ops.spectral import *
from rushlight.ops.triangular import *
from rushlight.ops.linear import bilinear as bilinear
from rushlight.ops.masked import *
from rushlight.ops.matmul import *
from rushlight.ops.medians import *
from rushlight.ops.normalization import *
from rushlight.ops.norms import *
from rushlight.ops.part_scatter import *
from rushlight.ops.pointwise import *
from rushlight.ops.powers import *
from rushlight.ops.quantization import *
from rushlight.ops.quantization import _empty_affine_quantized as _empty_affine_quantized
from rushlight.ops.quantization import _empty_per_channel_affine_quantized as _empty_per_channel_affine_quantized
from rushlight.ops.quantization import _make_per_channel_quantized_tensor as _make_per_channel_quantized_tensor
from rushlight.ops.quantization import _make_per_tensor_quantized_tensor as _make_per_tensor_quantized_tensor
from rushlight.ops.questions import *
from rushlight.ops.random import *
from rushlight.ops.random_laws import *
from rushlight.ops.pad import constant_pad_nd as constant_pad_nd
from rushlight.ops.pool import adaptive_avg_pool1d as adaptive_avg_pool1d
from rushlight.ops.pool import adaptive_max_pool1d_with_indices as adaptive_max_pool1d
from rushlight.ops.pool import avg_pool1d as avg_pool1d
from rushlight.ops.pool import max_pool1d as max_pool1d
from rushlight.ops.pool import max_pool1d_with_indices as max_pool1d_with_indices
from rushlight.ops.pool import max_pool2d as max_pool2d
from rushlight.ops.pool import max_pool3d as max_pool3d
from rushlight.ops.recurrent_network import *
from rushlight.ops.reduce import *
from rushlight.ops.remainder import *
from rushlight.ops.rounding import *
from rushlight.ops.sampled_gradient import *
from rushlight.ops.scan import *
from rushlight.ops.scatter import *
from rushlight.ops.segments import *
from rushlight.ops.sequences import *
from rushlight.ops.shape import *
from rushlight.ops.shape_inplace import *
from rushlight.ops.shuffle import *
from rushlight.ops.short_time import *
from rushlight.ops.sign import *
from rushlight.ops.slicing import *
from rushlight.ops.softmax import *
from rushlight.ops.sorting import *
from rushlight.ops.special import *
from rushlight.ops.statistics import *
from rushlight.ops.trigonometric import *
from rushlight.ops.variance import *
from rushlight.ops.view_copies import *
from rushlight.ops.weight_norm import *
from rushlight.ops.window_functions import *
from rushlight.ops.weighted_products import *
from rushlight.ops.promotion import can_cast as can_cast
from rushlight.ops.promotion import result_type as result_type
from rushlight import random as random
from rushlight.random import Generator as Generator
from rushlight.random import default_generator as default_generator
from rushlight.random import get_rng_state as get_rng_state
from rushlight.random import initial_seed as initial_seed
from rushlight.random import manual_seed as manual_seed
from rushlight.random import seed as seed
from rushlight.random import set_rng_state as set_rng_state
from rushlight import return_types as return_types
from rushlight import linalg as linalg
from rushlight import special as special
from rushlight import memory as memory
from rushlight.constants import *
from rushlight.settings import *
from rushlight.threads import *
from rushlight import __config__ as __config__
from rushlight.quantizer import *
from rushlight.printing import get_printoptions as get_printoptions
from rushlight.printing import set_printoptions as set_printoptions
from rushlight.size import Size as Size
from rushlight.legacy import *
from rushlight.storage import TypedStorage as TypedStorage
from rushlight.storage import UntypedStorage as UntypedStorage
from rushlight import nn as nn
from rushlight import optim as optim
from rushlight import utils as utils
from rushlight import accelerator as accelerator
from rushlight import backends as backends
from rushlight import version as version
from rushlight.version import __version__ as __version__

if _TYPE_CHECKING:
    from rushlight import ao as ao
    from rushlight import distributions as distributions
    from rushlight import cuda as cuda
    from rushlight import func as func
    from rushlight import profiler as profiler
    from rushlight import quantization as quantization
    from rushlight import serialization as serialization
    from rushlight import sparse as sparse
    from rushlight import vision as vision
    from rushlight.serialization import load as load
    from rushlight.serialization import save as save
    from rushlight.sparse._front import *
else:

    def __getattr__(name: str) -> object:
        from importlib import import_module

        from rushlight._later import MODULES, NAMES

        if name in MODULES:
            return import_module(f"rushlight.{name}")
        if name in NAMES:
            globals()[name] = thing = getattr(import_module(NAMES[name]), name)
            return thing
        raise AttributeError(f"module 'rushlight' has no attribute '{name}'")

    def __dir__() -> list[str]:
        from rushlight._later import MODULES, NAMES

        return sorted({*globals(), *MODULES, *NAMES})
