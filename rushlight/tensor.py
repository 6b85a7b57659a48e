"""The Tensor: a Variable with the methods of every family of operations."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.engine import backward
from rushlight.autograd.grad_mode import no_grad
from rushlight.autograd.variable import Variable, set_tensor_type, wrap
from rushlight.device import check_device, device
from rushlight.ops.activation import ActivationMethods
from rushlight.ops.arithmetic import ArithmeticMethods
from rushlight.ops.axes import AxesMethods
from rushlight.ops.bessel import BesselMethods
from rushlight.ops.bitwise import BitwiseMethods
from rushlight.ops.broadcast import BroadcastMethods
from rushlight.ops.choice import ChoiceMethods
from rushlight.ops.combination import CombinationMethods
from rushlight.ops.comparison import ComparisonMethods
from rushlight.ops.complex_views import ComplexViewMethods
from rushlight.ops.conversion import ConversionMethods
from rushlight.ops.counting import CountingMethods
from rushlight.ops.creation import tensor
from rushlight.ops.differences import DifferenceMethods
from rushlight.ops.exchange import ExchangeMethods
from rushlight.ops.extremum import ExtremumMethods
from rushlight.ops.gamma import GammaMethods
from rushlight.ops.histograms import HistogramMethods
from rushlight.ops.index import IndexMethods
from rushlight.ops.index_along import IndexAlongMethods
from rushlight.ops.joining import JoiningMethods
from rushlight.ops.least_squares import LeastSquaresMethods
from rushlight.ops.linalg import LinalgMethods
from rushlight.ops.linalg_factors import LinalgFactorMethods
from rushlight.ops.lu import LuMethods
from rushlight.ops.mapping import MappingMethods
from rushlight.ops.masked import MaskedMethods
from rushlight.ops.matmul import MatmulMethods
from rushlight.ops.matrix_products import MatrixProductMethods
from rushlight.ops.medians import MedianMethods
from rushlight.ops.new_forms import CreationMethods
from rushlight.ops.norms import NormMethods
from rushlight.ops.older_names import OlderNames
from rushlight.ops.part_scatter import PartScatterMethods
from rushlight.ops.pointwise import PointwiseMethods
from rushlight.ops.powers import PowerMethods
from rushlight.ops.quantization import QuantizationMethods
from rushlight.ops.questions import QuestionMethods
from rushlight.ops.random import RandomMethods
from rushlight.ops.rearranging import RearrangingMethods
from rushlight.ops.reduce import ReduceMethods
from rushlight.ops.remainder import RemainderMethods
from rushlight.ops.removed import RemovedMethods
from rushlight.ops.rounding import RoundingMethods
from rushlight.ops.scan import ScanMethods
from rushlight.ops.scatter import ScatterMethods
from rushlight.ops.segments import SegmentMethods
from rushlight.ops.shape import ShapeMethods
from rushlight.ops.shape_inplace import InplaceShapeMethods
from rushlight.ops.short_time import ShortTimeMethods
from rushlight.ops.sign import SignMethods
from rushlight.ops.slicing import SlicingMethods
from rushlight.ops.softmax import SoftmaxMethods
from rushlight.ops.sorting import SortingMethods
from rushlight.ops.sparsity import SparsityMethods
from rushlight.ops.special import SpecialMethods
from rushlight.ops.spectral import SpectralMethods
from rushlight.ops.splitting import SplittingMethods
from rushlight.ops.statistics import StatisticsMethods
from rushlight.ops.triangular import TriangularMethods
from rushlight.ops.trigonometric import TrigonometricMethods
from rushlight.ops.variance import VarianceMethods
from rushlight.ops.view_copies import ViewCopyMethods
from rushlight.ops.weighted_products import WeightedProductMethods
from rushlight.ops.write import WriteMethods
from rushlight.printing import format_tensor
from rushlight.storage import StorageMethods, TypedStorage, UntypedStorage, array_over

__all__ = ["Tensor"]


class Tensor(
    Variable,  # first: whether something is one is asked more often than anything else
    ActivationMethods,
    ArithmeticMethods,
    QuestionMethods,
    AxesMethods,
    BesselMethods,
    BitwiseMethods,
    ChoiceMethods,
    CombinationMethods,
    ComparisonMethods,
    ConversionMethods,
    WriteMethods,
    SplittingMethods,
    StorageMethods,
    RearrangingMethods,
    ComplexViewMethods,
    BroadcastMethods,
    CreationMethods,
    CountingMethods,
    DifferenceMethods,
    ExchangeMethods,
    ExtremumMethods,
    GammaMethods,
    HistogramMethods,
    IndexAlongMethods,
    IndexMethods,
    InplaceShapeMethods,
    JoiningMethods,
    LeastSquaresMethods,
    LinalgFactorMethods,
    LinalgMethods,
    LuMethods,
    MappingMethods,
    MaskedMethods,
    MatmulMethods,
    MedianMethods,
    MatrixProductMethods,
    NormMethods,
    OlderNames,
    PartScatterMethods,
    PointwiseMethods,
    PowerMethods,
    QuantizationMethods,
    RandomMethods,
    ReduceMethods,
    RemainderMethods,
    RemovedMethods,
    RoundingMethods,
    ScanMethods,
    ScatterMethods,
    SegmentMethods,
    ShapeMethods,
    ShortTimeMethods,
    SignMethods,
    SlicingMethods,
    SoftmaxMethods,
    SortingMethods,
    SparsityMethods,
    SpecialMethods,
    SpectralMethods,
    StatisticsMethods,
    TriangularMethods,
    TrigonometricMethods,
    VarianceMethods,
    ViewCopyMethods,
    WeightedProductMethods,
):
    """A multi-dimensional array that can remember how it was computed.

    Made with `rushlight.tensor`, `zeros`, `randn` and their kin. `Tensor(2, 3)` is an uninitialised tensor of the
    default type and that shape, `Tensor([1, 2])` one with those elements.

    >>> import rushlight as torch
    >>> torch.Tensor([1, 2])
    tensor([1., 2.])

    Source: https://docs.pytorch.org/docs/2.13/tensors.html
    """

    def __new__(cls, *args: Any, dtype: dtypes.dtype | None = None, device: device | str | None = None) -> Any:
        check_device(device)
        out = cls._legacy_new(args, dtype or dtypes.get_default_dtype())
        return out if cls is Tensor else out.as_subclass(cls)

    @classmethod
    def _legacy_new(cls, args: tuple[Any, ...], type_: dtypes.dtype) -> Any:
        numpy_dtype = type_.numpy_dtype
        if not args:
            return wrap(np.empty(0, numpy_dtype))
        first = args[0]
        if all(isinstance(a, (int, np.integer)) and not isinstance(a, bool) for a in args):
            if any(a < 0 for a in args):
                raise RuntimeError(f"Trying to create tensor with negative dimension {min(args)}: {list(args)}")
            return wrap(np.zeros(args, numpy_dtype))
        if len(args) > 1:
            raise TypeError(
                f"new() received an invalid combination of arguments - got {tuple(type(a).__name__ for a in args)}"
            )
        if isinstance(first, Variable):
            if first.dtype is not type_:
                raise TypeError(f"expected {type_.legacy_name}Tensor (got {first.dtype.legacy_name}Tensor)")
            return wrap(first._array)
        if isinstance(first, TypedStorage | UntypedStorage):
            return wrap(array_over(first, type_))
        if isinstance(first, tuple) and type(first) is not tuple and all(isinstance(a, int) for a in first):
            return wrap(np.zeros(tuple(first), numpy_dtype))
        if isinstance(first, (list, tuple, np.ndarray, range)):
            return tensor(first, dtype=type_)
        raise TypeError(f"new(): data must be a sequence (got {type(first).__name__})")

    def new(self, *args: Any, device: device | str | None = None) -> Tensor:
        """A tensor of this one's dtype: of a shape, its elements to be filled, or of a sequence of numbers.

        >>> import rushlight as torch
        >>> torch.tensor([1, 2]).new([3.5, 4])
        tensor([3, 4])
        """
        check_device(device)
        made: Tensor = Tensor._legacy_new(args, self.dtype)
        return made

    def as_subclass(self, cls: type[Any]) -> Any:
        """The same memory and history as an instance of a subclass of Tensor.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.as_subclass.html
        """
        if not (isinstance(cls, type) and issubclass(cls, Variable)):
            raise TypeError(f"as_subclass(): expected a subclass of Tensor, got {cls!r}")
        out = object.__new__(cls)
        out.__dict__.update(self.__dict__)
        out._counter = self.version_counter()
        return out

    @staticmethod
    def _make_subclass(cls: type[Any], data: Tensor, require_grad: bool = False) -> Any:
        out = object.__new__(cls)
        out._array = data._array
        if require_grad:
            out.requires_grad_(True)
        return out

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Tensor | Iterable[Tensor] | None = None,
    ) -> None:
        """Compute the gradient of this tensor with respect to the leaves it was made from, and add it to their `grad`.

        `gradient` has this tensor's shape, and may be left out when that is a single element.

        >>> import rushlight as torch
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.backward.html
        """
        backward(self, gradient, retain_graph, create_graph, None, inputs)

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return format_tensor(self, tensor_contents=tensor_contents)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self.grad_fn is not None:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment.  If you were attempting to deepcopy a module, this may be because of a "
                "torch.nn.utils.weight_norm usage, see https://github.com/pytorch/pytorch/pull/103001"
            )
        if id(self) in memo:
            return memo[id(self)]
        with no_grad():
            out = object.__new__(type(self))
            out._array = _copy_keeping_shares(self._array, memo)
            out._requires_grad = self._requires_grad
            memo[id(self)] = out
            for name, value in self.__dict__.items():
                if name not in _STATE:
                    setattr(out, name, copy.deepcopy(value, memo))
            if self._grad is not None:
                out._grad = copy.deepcopy(self._grad, memo)
        return out

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.grad_fn is not None:
            raise RuntimeError(
                "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support "
                "crossing process boundaries.  If you just want to transfer the data, call detach() on the tensor "
                "before serializing (e.g., putting it on the queue)."
            )
        extra = {name: value for name, value in self.__dict__.items() if name not in _STATE}
        return (_rebuild, (type(self), self._array, self._requires_grad, self._backward_hooks, extra))

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state)


# What deepcopy and pickling treat apart from a user's own attributes.
_STATE = frozenset({
    "_array", "_requires_grad", "_grad_fn", "_output_nr", "_grad", "_view", "_counter", "_backward_hooks",
    "_post_accumulate_grad_hooks", "_inference", "_part_of_gradient",
})  # fmt: skip


def _rebuild(cls: type[Any], array: Any, requires_grad: bool, hooks: Any, extra: dict[str, Any]) -> Any:
    out = object.__new__(cls)
    out._array = array
    out._requires_grad = requires_grad
    if hooks:
        out._backward_hooks = hooks
    out.__dict__.update(extra)
    return out


def _copy_keeping_shares(array: Any, memo: dict[int, Any]) -> Any:
    """A copy of an array; two views of one owner stay views of one owner."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if owner is array:
        if id(array) not in memo:
            memo[id(array)] = array.copy(order="K")
        return memo[id(array)]
    if not owner.flags.c_contiguous or owner.dtype != array.dtype:
        return array.copy(order="K")
    if id(owner) not in memo:
        memo[id(owner)] = owner.copy()
        memo.setdefault(-id(memo), []).append(owner)
    offset = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    return np.ndarray(array.shape, array.dtype, memo[id(owner)], offset, array.strides)


set_tensor_type(Tensor)
