"""Operations by what a transform needs to know of them: which elements of a result depend on which of the arguments.

Each table names classes by module; those derived from them are of the same kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

__all__ = ["BATCHED_MATRICES", "BILINEAR", "CONSTANT", "ELEMENTWISE", "LINEAR", "ONE_DIMENSION", "classes"]

# Each element depends on the elements at its place (after broadcasting), by a function that is holomorphic where its
# arguments are complex.
ELEMENTWISE = {
    "activation": "Relu LeakyRelu Hardtanh Hardswish Hardsigmoid Hardshrink Softshrink Threshold ThresholdBackward",
    "arithmetic": "Add Sub Mul Div DivByNumber Reciprocal Neg",
    "bessel": "I0 I1 I0e I1e",
    "choice": "Maximum Minimum Fmax Fmin Where",
    "combination": "Lerp LerpTensor Addcmul Addcdiv Atan2",
    "elu": "Elu Celu",
    "gamma": "Lgamma Digamma Polygamma",
    "gated": "Silu Gelu Mish Softplus LogSigmoid",
    "normal_distribution": "Entr Erfcx Ndtri LogNdtr",
    "pointwise": "Exp2 Expm1 Log2 Log10 Log1p Deg2rad Rad2deg",
    "powers": "Exp Sqrt PowScalar PowTensor PowOfNumber Log Rsqrt",
    "remainder": "Remainder RemainderScalar Fmod FmodScalar",
    "rounding": (
        "_Rounding Floor Ceil Trunc Round RoundDecimals Frac Clamp ClampMin ClampMax ClampTensor ClampMinTensor "
        "ClampMaxTensor NanToNum"
    ),
    "sign": "Sign Copysign CopysignScalar",
    "special": (
        "Sigmoid Logit Erf Erfc Erfinv Sinc Hypot Logaddexp Logaddexp2 Xlogy XlogyScalarInput XlogyScalarOther Xlog1py "
        "Xlog1pyScalarInput Xlog1pyScalarOther"
    ),
    "trigonometric": "Tanh Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh",
}
# Elementwise too, but not holomorphic, without a gradient, or with several results.
PLACEWISE = {
    "activation": "Prelu",
    "arithmetic": "Abs FloorDivide TruncDivide",
    "bessel": "_Undifferentiated",
    "bitwise": "_Bitwise LeftShift RightShift Gcd Lcm LogicalAnd LogicalOr LogicalXor LogicalNot BitwiseNot",
    "combination": "_WithoutDerivative Ldexp Heaviside Nextafter",
    "comparison": "_Comparison Compare Question Isclose",
    "conversion": "Clone ToCopy",
    "gamma": "Igamma Igammac Zeta ZetaScalarInput ZetaScalarOther",
    "orthogonal": "_Polynomial",
    "rounding": "Frexp",
    "sequences": "Complex Polar",
    "sign": "Sgn Angle Conj",
    "write": "Copy Fill FillTensor Zero",
}
# Linear in all tensors together.
LINEAR = {
    "arithmetic": "Neg",
    "conversion": "Clone",
    "conv": "",
    "joining": "Cat Stack Trace BlockDiag",
    "pool": "AvgPool AvgPoolBackward AdaptiveAvgPool AdaptiveAvgPoolBackward",
    "rearranging": "Repeat Flip Roll Rot90 Tril Triu",
    "reduce": "Sum SumDim Mean MeanDim",
    "scan": "Cumsum",
    "shape": "UnsafeView",
    "shuffle": "PixelShuffle PixelUnshuffle ChannelShuffle",
    "slicing": "Embed DiagEmbed DiagonalCopy Fold",
    "fourier": "ComplexToComplex RealToComplex ComplexToReal",
    "pad": "IndexPad IndexPadBackward",
    "resample": "Resample ResampleBackward",
    "fold": "Fold Unfold",
    "sign": "Conj",
    "unpool": "MaxUnpool",
}
# Linear in each tensor.
BILINEAR = {"matmul": "Mm Bmm Mv Dot", "arithmetic": "Mul", "matrix_products": "Cross"}
# What no derivative passes through.
CONSTANT = {
    "extremum": "Argument",
    "reduce": "Truth CountNonzero",
    "random_fill": "_Fill",
    "random": "_NormalOfMean _Bernoulli",
    "random_laws": "_Poisson WithoutDerivative",
    "comparison": "_Comparison Compare Question Isclose Isin",
}
# One tensor, of whose dimensions the argument `dim` (or `dims`) names some, and whose others are independent.
ONE_DIMENSION = {
    "extremum": "Argument Amax Amin MinAll MaxAll MaxDim MinDim Aminmax",
    "medians": "MedianDim NanmedianDim Mode",
    "gated": "Glu",
    "norms": "VectorNorm",
    "reduce": "Truth CountNonzero SumDim Nansum MeanDim ProdDim Logsumexp",
    "rearranging": "Flip",
    "scan": "Cumsum Cumprod Cummax Cummin Logcumsumexp",
    "softmax": "Softmax LogSoftmax SoftmaxBackward LogSoftmaxBackward",
    "attention": "SafeSoftmax",
    "sorting": "Sort SortStable Topk Kthvalue",
    "variance": "Var Std VarMean StdMean",
    "fourier": "ComplexToComplex RealToComplex ComplexToReal",
}
# Of the last dimensions; those before them are batches already.
LEADING = {
    "linalg": "Inverse Determinant LogDeterminant",
    "linalg_factors": "Qr MatrixExp HouseholderProduct Geqrf",
    "lu": "Lu LuFactor LuSolve LdlFactor",
    "max_pool": "MaxPool MaxPoolBackward TakePlaces AdaptiveMaxPool ScatterIndices GatherIndices",
    "pool": "AvgPool AvgPoolBackward AdaptiveAvgPool AdaptiveAvgPoolBackward",
    "rearranging": "Tril Triu",
    "spectral": "Eigh Eigvalsh Eig Eigvals Svd Svdvals",
    "triangular": "Cholesky OldCholesky CholeskyInverse",
    "complex_views": "ViewAsReal ViewAsComplex RealPart ImaginaryPart",
}
BATCHED_MATRICES = LEADING


def classes(table: dict[str, str]) -> Iterator[Any]:
    """The classes that a table names; of those two that share a name in a module, the one found there."""
    for module, names in table.items():
        home = import_module(f"rushlight.ops.{module}")
        for name in names.split():
            found = getattr(home, name, None)
            if found is not None:
                yield found


def missing(table: dict[str, str]) -> list[str]:
    """What a table names and there isn't."""
    return [
        f"{m}.{n}"
        for m, names in table.items()
        for n in names.split()
        if not hasattr(import_module(f"rushlight.ops.{m}"), n)
    ]
