"""Parametrizations that come with the library: orthogonal matrices, weights by norm, weights of spectral norm 1."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.grad_mode import no_grad
from rushlight.autograd.variable import wrap
from rushlight.layout import contiguous_format
from rushlight.nn import functional as F
from rushlight.nn.modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from rushlight.nn.modules.module import Module
from rushlight.nn.utils import parametrize
from rushlight.ops.arithmetic import add
from rushlight.ops.comparison import allclose
from rushlight.ops.creation import zeros_like
from rushlight.ops.joining import cat
from rushlight.ops.linalg import solve
from rushlight.ops.linalg_factors import geqrf, householder_product, matrix_exp
from rushlight.ops.matmul import mv, vdot
from rushlight.ops.random import randn
from rushlight.ops.weight_norm import _weight_norm, norm_except_dim
from rushlight.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def _tensor_of(module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


def _output_dim(module: Module) -> int:
    """The dimension of a weight that counts the outputs."""
    return 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0


def _eye(n: int, like: Tensor) -> Tensor:
    return wrap(np.eye(n, dtype=like._array.dtype))


def _is_orthogonal(Q: Tensor) -> bool:
    return allclose(Q.mH @ Q, _eye(Q.size(-1), Q), atol=10.0 * Q.size(-2) * dtypes.finfo(Q.dtype).eps)


def _make_orthogonal(A: Tensor) -> Tensor:
    """Q of A = Q R, for a tall A, with a real and positive diagonal of R."""
    a, tau = geqrf(A)
    return householder_product(a, tau) * a.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


class _OrthMaps(Enum):
    matrix_exp = auto()
    cayley = auto()
    householder = auto()


class _Orthogonal(Module):
    """From any matrix to one with orthonormal columns, or rows if it is wide."""

    base: Tensor

    def __init__(self, weight: Tensor, orthogonal_map: _OrthMaps, *, use_trivialization: bool = True) -> None:
        super().__init__()
        # The reflections' factors of a complex matrix can't be had from the reflections alone.
        if weight.is_complex() and orthogonal_map is _OrthMaps.householder:
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        wide = X.size(-2) < X.size(-1)
        tall = X.mT if wide else X
        Q = self._reflected(tall) if self.orthogonal_map is _OrthMaps.householder else self._rotated(tall)
        if hasattr(self, "base"):
            Q = self.base @ Q
        return Q.mT if wide else Q

    def _rotated(self, X: Tensor) -> Tensor:
        """The first columns of the exponential, or the Cayley transform, of a skew-symmetric matrix."""
        n, k = X.size(-2), X.size(-1)
        X = X.tril()
        if n != k:
            X = cat([X, X.new_zeros(n, n - k).expand(*X.shape[:-2], n, n - k)], -1)
        A = X - X.mH
        if self.orthogonal_map is _OrthMaps.matrix_exp:
            Q = matrix_exp(A)
        else:
            eye = _eye(n, A)
            Q = solve(add(eye, A, alpha=-0.5), add(eye, A, alpha=0.5))
        return Q if n == k else Q[..., :k]

    @staticmethod
    def _reflected(X: Tensor) -> Tensor:
        """A product of reflections, the signs of its columns on the diagonal, which no gradient passes."""
        A = X.tril(-1)
        tau = 2.0 / (1.0 + (A * A).sum(-2))
        return householder_product(A, tau) * X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)

    @no_grad()  # type: ignore[untyped-decorator]
    def right_inverse(self, Q: Tensor) -> Tensor:
        """What gives Q, or the orthogonal matrix of Q's QR decomposition."""
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        wide = Q.size(-2) < Q.size(-1)
        tall = Q.mT if wide else Q
        if not hasattr(self, "base"):
            inverse = self._reflections(tall)
            return inverse.mT if wide else inverse
        self.base = self._completed(tall)
        # Minus one, which as the signs of no reflections means the identity, and to the other maps nothing.
        inverse = zeros_like(Q)
        inverse.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return inverse

    def _reflections(self, Q: Tensor) -> Tensor:
        if self.orthogonal_map is not _OrthMaps.householder:
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        A, tau = geqrf(Q)
        signs = A.diagonal(dim1=-2, dim2=-1)
        signs.sign_()
        # Where LAPACK needed no reflection, the forward map makes one all the same, of factor 2.
        signs[tau == 0.0] *= -1
        return A

    @staticmethod
    def _completed(Q: Tensor) -> Tensor:
        """A square orthogonal matrix that begins with Q, or with what is orthogonal of it."""
        n, k = Q.size(-2), Q.size(-1)
        if n != k:
            return _make_orthogonal(cat([Q, randn(*Q.shape[:-2], n, n - k, dtype=Q.dtype)], -1))
        return Q.clone() if _is_orthogonal(Q) else _make_orthogonal(Q)


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Keep a weight orthogonal: `QᴴQ = I`, or `QQᴴ = I` for one that is wider than high; batches of matrices too.

    `orthogonal_map` says how Q comes from a free matrix X: "matrix_exp", `exp(A)` with `A = X - Xᴴ` of X's lower
    triangle; "cayley", `(I + A/2)(I - A/2)⁻¹`; "householder", a product of reflections, for real weights only. Without
    one it is "matrix_exp" for square and complex weights, else "householder". With `use_trivialization` Q is multiplied
    by a fixed matrix `base`, so that X can begin at zero. At first Q is the weight, orthogonalized by QR if it is not
    orthogonal.

    ValueError where there is no such tensor or it has fewer than two dimensions, and for another map.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(3, 3))
    >>> torch.allclose(layer.weight.T @ layer.weight, torch.eye(3), atol=1e-5)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.parametrizations.orthogonal.html
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        is_square = weight.size(-2) == weight.size(-1)
        orthogonal_map = "matrix_exp" if is_square or weight.is_complex() else "householder"
    if orthogonal_map not in _OrthMaps.__members__:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    parametrization = _Orthogonal(weight, _OrthMaps[orthogonal_map], use_trivialization=use_trivialization)
    return parametrize.register_parametrization(module, name, parametrization, unsafe=True)


class _WeightNorm(Module):
    """From lengths and directions to the weight."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return _weight_norm(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """The lengths, and the weight as directions."""
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int = 0) -> Module:
    """Split a weight into lengths and directions, `w = g v / ‖v‖`, which are trained apart.

    `g` is `parametrizations.weight.original0`, `v` is `original1`; the norm is that of each slice of `dim`, or of the
    whole for None. State_dicts of the hook `nn.utils.weight_norm`, with `weight_g` and `weight_v`, load too.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape
    torch.Size([40, 1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.parametrizations.weight_norm.html
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        old = f"{prefix}{name}_g", f"{prefix}{name}_v"
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    """A weight divided by its greatest singular value, which the power method follows."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._reshape_weight_to_matrix(weight)
            rows, columns = matrix.size()
            u = matrix.new_empty(rows).normal_(0, 1)
            v = matrix.new_empty(columns).normal_(0, 1)
            self.register_buffer("_u", F.normalize(u, dim=0, eps=self.eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=self.eps))
            self._power_method(matrix, 15)

    def _reshape_weight_to_matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self.dim, 0).flatten(1)

    @no_grad()  # type: ignore[untyped-decorator]
    def _power_method(self, weight_mat: Tensor, n_power_iterations: int) -> None:
        # In place, since a replica of DataParallel shares the vectors with the module it was made of.
        for _ in range(n_power_iterations):
            self._u = F.normalize(mv(weight_mat, self._v), dim=0, eps=self.eps, out=self._u)
            self._v = F.normalize(mv(weight_mat.H, self._u), dim=0, eps=self.eps, out=self._v)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._reshape_weight_to_matrix(weight)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        # Copies, since the next forward changes the vectors before this one's backward may have run.
        u = self._u.clone(memory_format=contiguous_format)
        v = self._v.clone(memory_format=contiguous_format)
        return weight / vdot(u, mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself, as if its norm were 1."""
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight by its spectral norm σ(W), the greatest singular value; a vector by its length.

    σ = uᵀWv, where the vectors come from the power method: 15 steps at first, then `n_power_iterations` whenever the
    weight is read in training mode. A weight of more dimensions is taken as a matrix whose rows are the slices of
    `dim`: 0, or 1 for transposed convolutions. `eps` keeps the vectors' norms from 0.

    ValueError where there is no such tensor and for less than one step, IndexError for another dimension.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(20, 40))
    >>> torch.linalg.matrix_norm(layer.weight, 2).round(decimals=1)
    tensor(1., grad_fn=<RoundBackward1>)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.parametrizations.spectral_norm.html
    """
    weight = _tensor_of(module, name)
    dim = _output_dim(module) if dim is None else dim
    return parametrize.register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
