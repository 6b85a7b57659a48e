"""Products of groups of matrices, and of matrices of 8-bit floats with their scales.

Source: https://docs.pytorch.org/docs/2.13/nn.functional.html
"""

from __future__ import annotations

import enum
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.variable import wrap
from rushlight.ops._numeric import check_tensor
from rushlight.ops.grouped import GroupedMm
from rushlight.ops.matmul import product, same_type
from rushlight.tensor import Tensor

__all__ = ["ScalingType", "SwizzleType", "grouped_mm", "scaled_grouped_mm", "scaled_mm"]

_NAMES = {
    "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long", "int32": "Int",
    "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool", "float8_e4m3fn": "Float8_e4m3fn",
    "float8_e5m2": "Float8_e5m2", "float8_e8m0fnu": "Float8_e8m0fnu",
}  # fmt: skip


class ScalingType(enum.Enum):
    """Which elements of a matrix share a scale: all, a row's, or those of a block.

    >>> import rushlight as torch
    >>> torch.nn.functional.ScalingType.RowWise.value
    1

    Source: https://docs.pytorch.org/docs/2.13/nn.functional.html
    """

    TensorWise = 0
    RowWise = 1
    BlockWise1x16 = 2
    BlockWise1x32 = 3
    BlockWise1x128 = 4
    BlockWise128x128 = 5

    def __repr__(self) -> str:
        return f"<_ScalingType.{self.name}: {self.value}>"

    def __str__(self) -> str:
        return f"_ScalingType.{self.name}"


class SwizzleType(enum.Enum):
    """How the scales of blocks are laid out in memory, which matters to GPUs only.

    >>> import rushlight as torch
    >>> torch.nn.functional.SwizzleType.NO_SWIZZLE.value
    0

    Source: https://docs.pytorch.org/docs/2.13/nn.functional.html
    """

    NO_SWIZZLE = 0
    SWIZZLE_32_4_4 = 1

    def __repr__(self) -> str:
        return f"<_SwizzleType.{self.name}: {self.value}>"

    def __str__(self) -> str:
        return f"_SwizzleType.{self.name}"


def _name(tensor: Tensor) -> str:
    return _NAMES.get(tensor.dtype.name, tensor.dtype.name)


def _check_strides(mat: Tensor) -> None:
    """RuntimeError unless rows or columns are dense and a multiple of 16 bytes apart: what PyTorch's kernels take."""
    sizes, strides = list(mat.shape[-2:]), list(mat.stride()[-2:])
    for dense, apart in ((1, 0), (0, 1)):
        if strides[dense] == 1 and strides[apart] >= max(1, sizes[dense]):
            if strides[apart] * mat.element_size() % 16:
                raise RuntimeError("strides should be multiple of 16 bytes")
            return
    raise RuntimeError(f"Invalid strides/sizes, got {list(mat.stride())} for strides and {list(mat.shape)} for sizes")


def _check_groups(mat_a: Tensor, mat_b: Tensor, offs: Tensor | None) -> None:
    for name, mat in (("mat_a", mat_a), ("mat_b", mat_b)):
        if mat.dtype not in (dtypes.float32, dtypes.bfloat16, dtypes.float16):
            raise RuntimeError(f"Expected {name} to be Float32, BFloat16 or Float16 matrix, got {_name(mat)}")
    for name, mat in (("mat_a", mat_a), ("mat_b", mat_b)):
        if mat.dim() not in (2, 3):
            raise RuntimeError(f"{name} has to be 2 or 3d")
    flat = mat_a.dim() == 2 or mat_b.dim() == 2
    if mat_a.size(-1) != mat_b.size(-2):
        raise RuntimeError("contraction dimension of mat_a and mat_b must match")
    _check_strides(mat_a)
    _check_strides(mat_b)
    if flat != (offs is not None):
        raise RuntimeError("Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d")
    if offs is None:
        if mat_a.size(0) != mat_b.size(0):
            raise RuntimeError("batched dimension has to match")
        return
    if offs.dim() != 1:
        raise RuntimeError("offs has to be 1D")
    if offs.dtype is not dtypes.int32:
        raise RuntimeError("Offsets have to be int32")
    for mat in (mat_a, mat_b):
        if mat.dim() == 3 and mat.size(0) != offs.size(0):
            raise RuntimeError("matrix batch sizes have to match")


def grouped_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    *,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: dtypes.dtype | None = None,
) -> Tensor:
    """The products of the groups of two operands, where group g of a matrix ends before offs[g].

    Shapes: (M, K), (G, K, N) → (M, N), rows in groups; (G, M, K), (K, N) → (M, N), columns in groups; (M, K), (K, N) →
    (G, M, N), the inner dimension in groups; (G, M, K), (G, K, N) → (G, M, N) without `offs`, an int32 tensor (G,) of
    rising numbers. What lies beyond the last is zero. float32, float16 and bfloat16.

    RuntimeError for other dtypes and shapes, a bias, another out_dtype, and, as in PyTorch, matrices whose rows or
    columns are not dense in memory and a multiple of 16 bytes apart.

    >>> import rushlight as torch
    >>> experts = torch.stack([torch.ones(4, 4), 2 * torch.ones(4, 4)])
    >>> ends = torch.tensor([1, 3], dtype=torch.int32)
    >>> torch.nn.functional.grouped_mm(torch.ones(3, 4), experts, offs=ends)[:, 0]
    tensor([4., 8., 8.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.grouped_mm.html
    """
    check_tensor("_grouped_mm", "self", 1, mat_a)
    check_tensor("_grouped_mm", "mat2", 2, mat_b)
    _check_groups(mat_a, mat_b, offs)
    if bias is not None:
        raise RuntimeError("Bias not supported yet")
    if out_dtype is not None and out_dtype is not mat_a.dtype:
        raise RuntimeError("Grouped gemm output dtype must match `mat_a` dtype")
    same_type(mat_a, mat_b)
    return GroupedMm.apply(mat_a, mat_b, offs)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _check_product(mat_a: Tensor, mat_b: Tensor, bias: Tensor | None, contraction_dim: Any) -> None:
    for name, mat in (("mat_a", mat_a), ("mat_b", mat_b)):
        if mat.dim() != 2:
            raise ValueError(f"{name} must be a matrix")
    (m, k), (k2, n) = mat_a.shape, mat_b.shape
    start = f"mat_a and mat_b shapes cannot be multiplied ({m}x{k} and {k2}x{n})"
    if contraction_dim:
        if len(contraction_dim) != 2:
            raise ValueError("contraction_dim must have exactly 2 elements")
        first, second = contraction_dim
        if mat_a.size(first) != mat_b.size(second):
            raise ValueError(f"{start} with contraction dims mat_a: {first}, mat_b: {second}")
    if k != k2:
        raise ValueError(start)
    if bias is not None and bias.dtype not in (dtypes.float32, dtypes.bfloat16, dtypes.float16):
        raise ValueError(f"Bias must be Float32 or BFloat16 or Half, but got {_name(bias)}")
    if bias is not None and bias.numel() != n:
        raise ValueError(f"Bias must be size {n} but got {bias.numel()}")


def _check_scales(
    mats: tuple[Tensor, Tensor], scales: tuple[list[Tensor], list[Tensor]], recipes: tuple[list[Any], list[Any]]
) -> None:
    """ValueError unless there is one scale for each matrix or one for each row of the first, column of the second."""
    (m, _), (_, n) = mats[0].shape, mats[1].shape
    first, second = scales[0][0], scales[1][0]
    kinds = [[kind.value for kind in recipe] for recipe in recipes]
    taken = all(t.dtype in (dtypes.float8_e4m3fn, dtypes.float8_e5m2) for t in mats)
    taken = taken and first.dtype is second.dtype is dtypes.float32
    if taken and kinds == [[0], [0]]:
        for name, scale in (("scale_a", first), ("scale_b", second)):
            if scale.numel() != 1:
                raise ValueError(f"{name} must have 1 Float element")
    elif taken and kinds == [[1], [1]]:
        for name, scale, shape in (("scale_a", first, (m, 1)), ("scale_b", second, (1, n))):
            if scale.dim() < 2:
                raise IndexError(f"{name} must be {shape}, but got {tuple(scale.shape)}: Dimension out of range")
            if scale.shape != shape:
                raise ValueError(f"{name} must be {shape}, but got {tuple(scale.shape)}")
    else:
        found = ", ".join(
            f"{name}.dtype()={_name(mat)}, {scale_name}.dtype()={_name(scale)}, "
            f"{scale_name}.size()={list(scale.shape)}, {scale_name}.stride()={list(scale.stride())}"
            for name, mat, scale_name, scale in (
                ("mat_a", mats[0], "scale_a", first),
                ("mat_b", mats[1], "scale_b", second),
            )
        )
        raise ValueError(
            "Invalid scaling configuration.\n"
            "- For TensorWise scaling, a and b should be float8, scales should be float and singletons.\n"
            "- For RowWise scaling, a and b should be float8, scales should be float, scale_a should be "
            f"({m}, 1) and scale_b should be (1, {n}), and both should be contiguous.\nGot {found}"
        )


def scaled_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    scale_a: Tensor | list[Tensor],
    scale_recipe_a: ScalingType | list[ScalingType],
    scale_b: Tensor | list[Tensor],
    scale_recipe_b: ScalingType | list[ScalingType],
    swizzle_a: SwizzleType | list[SwizzleType] | None = None,
    swizzle_b: SwizzleType | list[SwizzleType] | None = None,
    bias: Tensor | None = None,
    output_dtype: dtypes.dtype | None = dtypes.bfloat16,
    contraction_dim: list[int] | tuple[int, ...] = (),
    use_fast_accum: bool = False,
) -> Tensor:
    """(A · scale_a) (B · scale_b) + bias of two matrices of 8-bit floats, summed in float32.

    Shapes: (M, K), (K, N) → (M, N) of output_dtype, A's if None; scales are float32, one element each (TensorWise) or
    (M, 1) and (1, N) (RowWise). No gradient. `use_fast_accum` concerns GPUs only.

    ValueError for other dtypes, scales and recipes, swizzles, and shapes that don't match, as PyTorch on a CPU.

    >>> import rushlight as torch
    >>> F, one = torch.nn.functional, torch.tensor(2.0)
    >>> a = torch.ones(1, 4).to(torch.float8_e4m3fn)
    >>> F.scaled_mm(a, a.t(), one, F.ScalingType.TensorWise, one, F.ScalingType.TensorWise)
    tensor([[16.]], dtype=torch.bfloat16)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.scaled_mm.html
    """
    check_tensor("_scaled_mm_v2", "self", 1, mat_a)
    check_tensor("_scaled_mm_v2", "mat2", 2, mat_b)
    recipes = _listed(scale_recipe_a), _listed(scale_recipe_b)
    scales = _listed(scale_a), _listed(scale_b)
    swizzles = _listed(swizzle_a), _listed(swizzle_b)
    _check_product(mat_a, mat_b, bias, contraction_dim)
    if all(swizzles) and any(kind.value for kinds in swizzles for kind in kinds):
        raise ValueError("CPU does not support swizzle.")
    _check_scales((mat_a, mat_b), scales, recipes)
    out = product(mat_a._array.astype(np.float32), mat_b._array.astype(np.float32))
    out = out * scales[0][0]._array * scales[1][0]._array
    if bias is not None:
        out = out + bias._array.astype(np.float32)
    return wrap(out).to(mat_a.dtype if output_dtype is None else output_dtype)


def scaled_grouped_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    scale_a: Tensor | list[Tensor],
    scale_recipe_a: ScalingType | list[ScalingType],
    scale_b: Tensor | list[Tensor],
    scale_recipe_b: ScalingType | list[ScalingType],
    swizzle_a: SwizzleType | list[SwizzleType] | None = None,
    swizzle_b: SwizzleType | list[SwizzleType] | None = None,
    bias: Tensor | None = None,
    offs: Tensor | None = None,
    output_dtype: dtypes.dtype | None = dtypes.bfloat16,
    contraction_dim: list[int] | tuple[int, ...] = (),
    use_fast_accum: bool = False,
) -> Tensor:
    """`grouped_mm` of 8-bit floats with scales, which exists on GPUs only: NotImplementedError, as PyTorch on a CPU.

    >>> import rushlight as torch
    >>> F, a, one = torch.nn.functional, torch.ones(1, 1), torch.ones(1)
    >>> F.scaled_grouped_mm(a, a, one, F.ScalingType.RowWise, one, F.ScalingType.RowWise)
    Traceback (most recent call last):
    NotImplementedError: Could not run 'aten::_scaled_grouped_mm_v2' with arguments from the 'CPU' backend.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.scaled_grouped_mm.html
    """
    check_tensor("_scaled_grouped_mm_v2", "self", 1, mat_a)
    check_tensor("_scaled_grouped_mm_v2", "mat2", 2, mat_b)
    raise NotImplementedError("Could not run 'aten::_scaled_grouped_mm_v2' with arguments from the 'CPU' backend.")
