"""The layers as functions: the names of `torch.nn.functional`."""

from rushlight.nn.functional.activation import *  # noqa: F403
from rushlight.nn.functional.conv import *  # noqa: F403
from rushlight.nn.functional.dropout import *  # noqa: F403
from rushlight.nn.functional.linear import *  # noqa: F403
from rushlight.nn.functional.loss import *  # noqa: F403
from rushlight.nn.functional.norm import *  # noqa: F403
from rushlight.nn.functional.pad import *  # noqa: F403
from rushlight.nn.functional.pool import *  # noqa: F403
from rushlight.nn.functional.sparse import *  # noqa: F403
