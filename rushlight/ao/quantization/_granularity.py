"""How finely a tensor is quantized: words that observers of affine quantization speak."""

from __future__ import annotations

import abc
import enum
import functools
from dataclasses import dataclass
from typing import Any

from rushlight import dtypes
from rushlight.ao.quantization._observers import _PartialWrapper
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = [
    "AffineQuantizedObserverBase", "Granularity", "MappingType", "PerAxis", "PerBlock", "PerGroup", "PerRow",
    "PerTensor", "PerToken", "TorchAODType", "ZeroPointDomain", "get_block_size",
]  # fmt: skip


class MappingType(enum.Enum):
    """How floats are laid over codes: about zero, the same where the range is cut at its shorter side, or as they lie.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    SYMMETRIC = enum.auto()
    SYMMETRIC_NO_CLIPPING_ERR = enum.auto()
    ASYMMETRIC = enum.auto()


class ZeroPointDomain(enum.Enum):
    """Whether a zero point is a code, a float, or there is none.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    INT = enum.auto()
    FLOAT = enum.auto()
    NONE = enum.auto()


class TorchAODType(enum.Enum):
    """Integers of fewer than eight bits.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    INT1 = enum.auto()
    INT2 = enum.auto()
    INT3 = enum.auto()
    INT4 = enum.auto()
    INT5 = enum.auto()
    INT6 = enum.auto()
    INT7 = enum.auto()


@dataclass(frozen=True)
class Granularity:
    """How finely a tensor is quantized.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """


@dataclass(frozen=True)
class PerBlock(Granularity):
    """A scale for each block of this size.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    block_size: tuple[int, ...]


@dataclass(frozen=True)
class PerTensor(Granularity):
    """One scale.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """


@dataclass(frozen=True)
class PerAxis(Granularity):
    """A scale for each index of a dimension.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    axis: int


@dataclass(frozen=True)
class PerGroup(Granularity):
    """A scale for each group of this many elements along the last dimension.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    group_size: int


class PerRow(Granularity):
    """A scale for each row.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """


class PerToken(Granularity):
    """A scale for each vector along the last dimension.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """


def get_block_size(input_shape: tuple[int, ...], granularity: Granularity) -> tuple[int, ...]:
    """The shape of what shares one scale.

    >>> from rushlight.ao.quantization import PerAxis, get_block_size
    >>> get_block_size((4, 3), PerAxis(0))
    (1, 3)

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    if not isinstance(granularity, Granularity):
        raise AssertionError("Please provide an instance of Granularity, not subclass of it")
    shape = tuple(input_shape)
    if isinstance(granularity, PerTensor):
        return shape
    if isinstance(granularity, PerAxis):
        axis = granularity.axis % len(shape)
        return (*shape[:axis], 1, *shape[axis + 1 :])
    if isinstance(granularity, PerBlock):
        return granularity.block_size
    if isinstance(granularity, PerRow | PerToken):
        return (*(1,) * (len(shape) - 1), shape[-1])
    if isinstance(granularity, PerGroup):
        if shape[-1] % granularity.group_size:
            raise AssertionError(f"Group size {granularity.group_size} does not divide input shape {input_shape}")
        return (*(1,) * (len(shape) - 1), granularity.group_size)
    raise ValueError(f"Unsupported Granularity: {granularity}")


class AffineQuantizedObserverBase(Module, abc.ABC):
    """An observer for affine quantization of any granularity: a base to derive from.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """

    def __init__(
        self,
        mapping_type: MappingType,
        target_dtype: Any,
        granularity: Granularity,
        quant_min: int | None = None,
        quant_max: int | None = None,
        eps: float | None = None,
        scale_dtype: Any = None,
        zero_point_dtype: Any = None,
        preserve_zero: bool = True,
        zero_point_domain: ZeroPointDomain | None = ZeroPointDomain.INT,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if granularity is None:
            raise AssertionError("granularity is None")
        if zero_point_domain is None:
            raise ValueError("Please use ZeroPointDomain.NONE instead of None")
        self.mapping_type = mapping_type
        self.target_dtype = target_dtype
        self.granularity = granularity
        self.quant_min, self.quant_max = quant_min, quant_max
        self.eps = dtypes.finfo(dtypes.float32).eps if eps is None else eps
        self.scale_dtype, self.zero_point_dtype = scale_dtype, zero_point_dtype
        self.preserve_zero = preserve_zero
        self.zero_point_domain = zero_point_domain
        self.block_size: tuple[int, ...] | None = None

    @classmethod
    def with_args(cls, **kwargs: Any) -> _PartialWrapper:
        """The class with some of its arguments given."""
        return _PartialWrapper(functools.partial(cls, **kwargs))

    @abc.abstractmethod
    def forward(self, input: Tensor) -> Tensor:
        """Look at a tensor and return it."""

    @abc.abstractmethod
    def calculate_qparams(self) -> tuple[Tensor, Tensor]:
        """The scale and the zero point that fit what was seen."""
