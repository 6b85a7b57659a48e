"""Numbers of the laws that are drawn by rejection: Poisson's, the binomial, the gamma and the Dirichlet law.

The same seed gives PyTorch's numbers; `docs/random.md` says how.

Source: https://docs.pytorch.org/docs/2.13/torch.html#random-sampling
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rushlight.autograd.operation import Operation
from rushlight.autograd.variable import wrap
from rushlight.kernels import random as kernels
from rushlight.ops._numeric import check_tensor
from rushlight.ops._undifferentiated import WithoutDerivative
from rushlight.ops.broadcast import common_shape
from rushlight.ops.random_fill import generator_of, unsupported

if TYPE_CHECKING:
    from rushlight.random import Generator
    from rushlight.tensor import Tensor

__all__ = ["_dirichlet_grad", "_sample_dirichlet", "_standard_gamma", "_standard_gamma_grad", "binomial", "poisson"]

Array = npt.NDArray[Any]


class _Poisson(Operation):
    """Counts of a Poisson law; no gradient passes."""

    node_name = "PoissonBackward0"

    @staticmethod
    def forward(ctx: Any, input: Any, generator: Generator) -> Array:
        array = input._array
        return kernels.poisson(generator, array).astype(array.dtype).reshape(array.shape)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return wrap(np.zeros_like(grad._array)), None


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """A number of the Poisson law for each rate in `input`; in input's dtype.

    RuntimeError for a negative rate, NotImplementedError unless the dtype is floating point.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch.poisson(torch.tensor([0.0, 4.0, 400.0])).shape
    torch.Size([3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.poisson.html
    """
    check_tensor("poisson", "input", 1, input)
    if not input.is_floating_point():
        raise unsupported("poisson_cpu", input.dtype)
    if not bool((input._array >= 0).all()):
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return _Poisson.apply(input, generator_of(generator, "poisson"))


class _Binomial(WithoutDerivative):
    aten = "binomial"

    @staticmethod
    def forward(ctx: Any, count: Any, prob: Any, generator: Generator) -> Array:
        n, p = count._array, prob._array
        return kernels.binomial(generator, n, p).astype(n.dtype).reshape(np.broadcast_shapes(n.shape, p.shape))


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of `count` trials succeed that each do with the chance `prob`, which broadcast; in count's dtype.

    Both are float32 or both float64. ValueError for a `count` of integers or complex numbers, RuntimeError for two
    dtypes, NotImplementedError for half precision. NaN where the chance is.

    >>> import rushlight as torch
    >>> torch.binomial(torch.tensor([5.0, 5.0]), torch.tensor([0.0, 1.0]))
    tensor([0., 5.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.binomial.html
    """
    check_tensor("binomial", "count", 1, count)
    check_tensor("binomial", "prob", 2, prob)
    drawn = generator_of(generator, "binomial")
    for name, tensor in (("count", count), ("prob", prob)):
        if not tensor.is_floating_point():
            raise ValueError(
                f"binomial only supports floating-point dtypes for {name}, got: {tensor.dtype.legacy_name}"
            )
    if count.dtype is not prob.dtype:
        raise RuntimeError(f"Found dtype {prob.dtype.legacy_name} but expected {count.dtype.legacy_name}")
    _require_wide(count, "binomial_cpu")
    common_shape([count._array.shape, prob._array.shape])
    return _Binomial.apply(count, prob, drawn)


def _require_wide(tensor: Tensor, kernel: str) -> None:
    if tensor._array.dtype.char not in "fd":
        raise unsupported(kernel, tensor.dtype)


class _Gamma(Operation):
    """Numbers of the gamma law."""

    node_name = "StandardGammaBackward0"

    @staticmethod
    def forward(ctx: Any, concentration: Any, generator: Generator) -> Any:
        array = concentration._array
        drawn = kernels.gamma(generator, array).astype(array.dtype).reshape(array.shape)
        out = wrap(np.asarray(np.maximum(drawn, np.finfo(array.dtype).tiny)))
        ctx.save_for_backward(concentration, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        concentration, out = ctx.saved_tensors
        return grad * _standard_gamma_grad(concentration, out), None


class _GammaGradient(Operation):
    """The derivative of a gamma law's numbers, which has none of its own."""

    node_name = "StandardGammaGradBackward0"

    @staticmethod
    def forward(ctx: Any, concentration: Any, drawn: Any) -> Array:
        from rushlight.kernels.reference import pathwise

        return pathwise.gamma_gradient(concentration._array, drawn._array)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        raise NotImplementedError("the derivative for '_standard_gamma_grad' is not implemented.")


def _standard_gamma(input: Tensor, generator: Generator | None = None) -> Tensor:
    """A number of the gamma law of scale 1 for each shape parameter of `input`, at least the smallest normal number.

    float32 or float64; NotImplementedError for others. The gradient is that of a number that moves with its law's
    distribution function.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> bool((torch._standard_gamma(torch.ones(5)) > 0).all())
    True

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#gamma
    """
    check_tensor("_standard_gamma", "input", 1, input)
    _require_wide(input, "gamma_cpu")
    return _Gamma.apply(input, generator_of(generator, "_standard_gamma"))


def _standard_gamma_grad(input: Tensor, output: Tensor) -> Tensor:
    """How numbers `output` of the gamma law move with their shape parameters `input`."""
    check_tensor("_standard_gamma_grad", "input", 1, input)
    check_tensor("_standard_gamma_grad", "output", 2, output)
    _require_wide(input, "_standard_gamma_grad_cpu")
    common_shape([input._array.shape, output._array.shape])
    return _GammaGradient.apply(input, output)


class _Dirichlet(WithoutDerivative):
    aten = "_sample_dirichlet"

    @staticmethod
    def forward(ctx: Any, concentration: Any, generator: Generator) -> Array:
        array = concentration._array
        kind = array.dtype
        drawn = kernels.gamma(generator, array.astype(np.float64)).reshape(array.shape)
        drawn = np.maximum(drawn, np.finfo(np.float64).tiny)
        share = (drawn / drawn.sum(-1, keepdims=True) if array.ndim else drawn / drawn).astype(kind)
        largest = np.nextafter(kind.type(1), kind.type(0))
        return np.asarray(np.clip(share, np.finfo(kind).tiny, largest))


class _DirichletGradient(WithoutDerivative):
    aten = "_dirichlet_grad"

    @staticmethod
    def forward(ctx: Any, x: Any, alpha: Any, total: Any) -> Array:
        from rushlight.kernels.reference import pathwise

        return pathwise.dirichlet_gradient(x._array, alpha._array, total._array)


def _sample_dirichlet(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Shares that sum to 1 along the last dimension, of the Dirichlet law with the parameters `input`.

    float32 or float64; NotImplementedError for others. The draw itself has no gradient: `_dirichlet_grad` gives it.

    >>> import rushlight as torch
    >>> generator = torch.manual_seed(0)
    >>> torch._sample_dirichlet(torch.ones(2, 3)).sum(-1)
    tensor([1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/distributions.html#dirichlet
    """
    check_tensor("_sample_dirichlet", "input", 1, input)
    _require_wide(input, "dirichlet")
    return _Dirichlet.apply(input, generator_of(generator, "_sample_dirichlet"))


def _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """How a Dirichlet law's number x moves with its parameter `alpha`, where all parameters sum to `total`."""
    for place, (name, tensor) in enumerate((("x", x), ("alpha", alpha), ("total", total)), 1):
        check_tensor("_dirichlet_grad", name, place, tensor)
    _require_wide(x, "_dirichlet_grad_cpu")
    common_shape([x._array.shape, alpha._array.shape, total._array.shape])
    return _DirichletGradient.apply(x, alpha, total)
