"""The layers as functions: the names of `torch.nn.functional`."""

from rushlight.nn.functional._inner import *
from rushlight.nn.functional.activation import *
from rushlight.nn.functional.attention import *
from rushlight.nn.functional.conv import *
from rushlight.nn.functional.distance import *
from rushlight.nn.functional.dropout import *
from rushlight.nn.functional.fold import *
from rushlight.nn.functional.grouped import *
from rushlight.nn.functional.linear import *
from rushlight.nn.functional.loss import *
from rushlight.nn.functional.multi_head import *
from rushlight.nn.functional.norm import *
from rushlight.nn.functional.pad import *
from rushlight.nn.functional.pool import *
from rushlight.nn.functional.sparse import *
from rushlight.nn.functional.vision import *
