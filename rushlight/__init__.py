"""Rushlight: PyTorch's `torch.nn`, fast and light, on NumPy arrays. The names here are those of `torch`."""

import warnings as _warnings

# PyTorch says nothing where a result is infinite or NaN; NumPy warns. Only warnings raised inside this package are meant.
_warnings.filterwarnings(
    "ignore", message=r"(divide by zero|overflow|underflow|invalid value) encountered", category=RuntimeWarning, module=r"rushlight\."
)

# The module `rushlight.tensor` comes first: the function of that name, below, takes its place as an attribute.
from rushlight.tensor import Tensor as Tensor  # noqa: E402, I001
from rushlight import autograd as autograd  # noqa: E402
from rushlight.autograd.grad_mode import *  # noqa: E402, F403
from rushlight.device import device as device  # noqa: E402
from rushlight.dtypes import *  # noqa: E402, F403
from rushlight.layout import *  # noqa: E402, F403
from rushlight.ops.activation import *  # noqa: E402, F403
from rushlight.ops.arithmetic import *  # noqa: E402, F403
from rushlight.ops.bitwise import *  # noqa: E402, F403
from rushlight.ops.combination import *  # noqa: E402, F403
from rushlight.ops.comparison import *  # noqa: E402, F403
from rushlight.ops.broadcast import *  # noqa: E402, F403
from rushlight.ops.complex_views import *  # noqa: E402, F403
from rushlight.ops.rearranging import *  # noqa: E402, F403
from rushlight.ops.splitting import *  # noqa: E402, F403
from rushlight.ops.write import *  # noqa: E402, F403
from rushlight.ops.conversion import *  # noqa: E402, F403
from rushlight.ops.creation import *  # noqa: E402, F403
from rushlight.ops.dropout import *  # noqa: E402, F403
from rushlight.ops.extremum import *  # noqa: E402, F403
from rushlight.ops.gated import *  # noqa: E402, F403
from rushlight.ops.index import *  # noqa: E402, F403
from rushlight.ops.index_along import *  # noqa: E402, F403
from rushlight.ops.joining import *  # noqa: E402, F403
from rushlight.ops.masked import *  # noqa: E402, F403
from rushlight.ops.matmul import *  # noqa: E402, F403
from rushlight.ops.norms import *  # noqa: E402, F403
from rushlight.ops.pointwise import *  # noqa: E402, F403
from rushlight.ops.random import *  # noqa: E402, F403
from rushlight.ops.random_fill import *  # noqa: E402, F403
from rushlight.ops.reduce import *  # noqa: E402, F403
from rushlight.ops.remainder import *  # noqa: E402, F403
from rushlight.ops.rounding import *  # noqa: E402, F403
from rushlight.ops.scan import *  # noqa: E402, F403
from rushlight.ops.scatter import *  # noqa: E402, F403
from rushlight.ops.sequences import *  # noqa: E402, F403
from rushlight.ops.shape import *  # noqa: E402, F403
from rushlight.ops.shape_inplace import *  # noqa: E402, F403
from rushlight.ops.sharing import *  # noqa: E402, F403
from rushlight.ops.slicing import *  # noqa: E402, F403
from rushlight.ops.softmax import *  # noqa: E402, F403
from rushlight.ops.sorting import *  # noqa: E402, F403
from rushlight.ops.special import *  # noqa: E402, F403
from rushlight.ops.promotion import can_cast as can_cast  # noqa: E402
from rushlight.ops.promotion import result_type as result_type  # noqa: E402
from rushlight import random as random  # noqa: E402
from rushlight.random import *  # noqa: E402, F403
from rushlight import return_types as return_types  # noqa: E402
from rushlight import memory as memory  # noqa: E402
from rushlight.threads import *  # noqa: E402, F403
from rushlight import __config__ as __config__  # noqa: E402
from rushlight.printing import get_printoptions as get_printoptions  # noqa: E402
from rushlight.printing import set_printoptions as set_printoptions  # noqa: E402
from rushlight.size import Size as Size  # noqa: E402
from rushlight import serialization as serialization  # noqa: E402
from rushlight.serialization import load as load  # noqa: E402
from rushlight.serialization import save as save  # noqa: E402
from rushlight.storage import TypedStorage as TypedStorage  # noqa: E402
from rushlight.storage import UntypedStorage as UntypedStorage  # noqa: E402
from rushlight import nn as nn  # noqa: E402
from rushlight import optim as optim  # noqa: E402
from rushlight import utils as utils  # noqa: E402
from rushlight import accelerator as accelerator  # noqa: E402
from rushlight import backends as backends  # noqa: E402
from rushlight import cuda as cuda  # noqa: E402
from rushlight import version as version  # noqa: E402
from rushlight.version import __version__ as __version__  # noqa: E402
