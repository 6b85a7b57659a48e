"""Views, their copies, joining, splitting, rearranging, creation and conversion."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Refusal, distinct, fixed, given, integers, normal, uniform


def made(*values: Any, **options: Any) -> Any:
    """A creation function's call as one without tensors: `made(name, …)`."""
    name, *arguments = values

    def make(t: Any) -> Any:
        named = {k: getattr(t, v) if k == "dtype" else v for k, v in options.items()}
        return lambda: getattr(t, name)(*arguments, **named)

    return make


def pair(t: Any, x: Any) -> Any:
    """Complex numbers from pairs of real ones."""
    return t.view_as_complex(x.contiguous())


VIEWS = [
    Case("adjoint", lambda t: t.adjoint, (normal(2, 3),)),
    Case("as_strided", lambda t: lambda x: t.as_strided(x.contiguous(), (2, 2), (1, 2), 1), (normal(3, 3),)),
    Case("as_strided overlapping", lambda t: lambda x: x.as_strided((3, 2), (1, 1)), (normal(5),)),
    Case("atleast", lambda t: lambda x: [t.atleast_1d(x), t.atleast_2d(x), t.atleast_3d(x)], (normal(3),)),
    Case("broadcast_tensors", lambda t: t.broadcast_tensors, (normal(2, 1), normal(3))),
    Case("broadcast_to", lambda t: t.broadcast_to, (normal(3), (2, 3))),
    Case("chunk", lambda t: t.chunk, (normal(5, 2), 3)),
    Case("diagonal", lambda t: lambda x: [x.diagonal(1), x.diagonal(-1, 2, 0)], (normal(2, 3, 3),)),
    Case("dsplit", lambda t: t.dsplit, (normal(1, 2, 4), 2)),
    Case("expand", lambda t: lambda x: x.expand(2, -1, 3), (normal(2, 1),)),
    Case("expand_as", lambda t: lambda x, y: x.expand_as(y), (normal(2, 1), fixed(normal(2, 3)))),
    Case("flatten", lambda t: lambda x: [t.flatten(x), x.flatten(1), x.flatten(0, 1)], (normal(2, 2, 3),)),
    Case("hsplit", lambda t: t.hsplit, (normal(2, 4), [1, 3])),
    Case("H", lambda t: lambda x: [pair(t, x).H.real, pair(t, x).mH.imag], (normal(2, 3, 2),), halves=()),
    Case("imag", lambda t: lambda x: [t.imag(pair(t, x)), t.real(pair(t, x))], (normal(2, 2),), halves=()),
    Case("mT", lambda t: lambda x: [x.mT, x[0].T], (normal(2, 2, 3),)),
    Case("movedim", lambda t: lambda x: [t.movedim(x, 0, -1), t.moveaxis(x, (0, 1), (1, 2))], (normal(2, 3, 2),)),
    Case("narrow", lambda t: t.narrow, (normal(4, 2), 0, 1, 2)),
    Case("permute", lambda t: t.permute, (normal(2, 3, 2), (2, 0, 1))),
    Case("ravel", lambda t: t.ravel, (normal(2, 3),)),
    Case("reshape", lambda t: lambda x: [t.reshape(x, (3, -1)), x.reshape_as(x), x.t().reshape(6)], (normal(2, 3),)),
    Case("select", lambda t: t.select, (normal(2, 3), 1, -1)),
    Case("split", lambda t: lambda x: t.split(x, 2) + x.split([1, 4]), (normal(5),)),
    Case("split_with_sizes", lambda t: t.split_with_sizes, (normal(2, 3), [1, 2], 1)),
    Case("squeeze", lambda t: lambda x: [t.squeeze(x), x.squeeze(1), x.squeeze((0, 1))], (normal(1, 2, 1),)),
    Case("swapaxes", lambda t: lambda x: [t.swapaxes(x, 0, 1), t.swapdims(x, -1, 0)], (normal(2, 3),)),
    Case("t", lambda t: lambda x: [t.t(x), x[0].t()], (normal(2, 3),)),
    Case("tensor_split", lambda t: lambda x: [*t.tensor_split(x, 3), *x.tensor_split((1, 4))], (normal(5, 2),)),
    Case("transpose", lambda t: t.transpose, (normal(2, 3, 2), 0, -1)),
    Case("unbind", lambda t: t.unbind, (normal(2, 3), 1)),
    Case("unflatten", lambda t: t.unflatten, (normal(2, 4), 1, (2, -1))),
    Case("unfold", lambda t: lambda x: x.unfold(0, 3, 2), (normal(7, 2),)),
    Case("unsafe_chunk", lambda t: t.unsafe_chunk, (normal(4, 2), 2)),
    Case("unsafe_split", lambda t: t.unsafe_split, (normal(5, 2), 2)),
    Case("unsafe_split_with_sizes", lambda t: t.unsafe_split_with_sizes, (normal(3, 2), [1, 2])),
    Case("unsqueeze", lambda t: t.unsqueeze, (normal(2, 3), -1)),
    Case("view", lambda t: lambda x: [x.contiguous().view(3, 2), x.view_as(x)], (normal(2, 3),)),
    Case(
        "view dtype", lambda t: lambda x: x.detach().contiguous().view(t.uint8).sum(), (given([[1.0, 2.0]]),), halves=()
    ),
    Case("view_as_real", lambda t: lambda x: t.view_as_real(pair(t, x) * 2), (normal(2, 2),), halves=()),
    Case("vsplit", lambda t: t.vsplit, (normal(4, 2), 2)),
]

COPIES = [
    Case("alias_copy", lambda t: t.alias_copy, (normal(2, 3),)),
    Case("as_strided_copy", lambda t: lambda x: t.as_strided_copy(x.contiguous(), (2, 2), (1, 2)), (normal(2, 3),)),
    Case("clone", lambda t: t.clone, (normal(2, 3),)),
    Case("detach_copy", lambda t: lambda x: t.detach_copy(x.detach()), (normal(2),)),
    Case("diagonal_copy", lambda t: t.diagonal_copy, (normal(3, 2), -1)),
    Case("expand_copy", lambda t: t.expand_copy, (normal(2, 1), (2, 3))),
    Case("narrow_copy", lambda t: t.narrow_copy, (normal(4, 2), 0, 1, 2)),
    Case("permute_copy", lambda t: t.permute_copy, (normal(2, 3), (1, 0))),
    Case("select_copy", lambda t: t.select_copy, (normal(2, 3), 1, 0)),
    Case("slice_copy", lambda t: t.slice_copy, (normal(5, 2), 0, 1, 5, 2)),
    Case("slice_inverse", lambda t: lambda x: t.slice_inverse(x[1:3], x.detach(), 0, 1, 3), (normal(4),), smooth=False),
    Case("split_copy", lambda t: t.split_copy, (normal(3, 2), 2)),
    Case("split_with_sizes_copy", lambda t: t.split_with_sizes_copy, (normal(3, 2), [1, 2])),
    Case("squeeze_copy", lambda t: lambda x: [t.squeeze_copy(x), t.squeeze_copy(x, 0)], (normal(1, 2, 1),)),
    Case("t_copy", lambda t: t.t_copy, (normal(2, 3),)),
    Case("transpose_copy", lambda t: t.transpose_copy, (normal(2, 3), 0, 1)),
    Case("unbind_copy", lambda t: t.unbind_copy, (normal(2, 3),)),
    Case("unfold_copy", lambda t: t.unfold_copy, (normal(5), 0, 2, 1)),
    Case("unsqueeze_copy", lambda t: t.unsqueeze_copy, (normal(2, 3), 1)),
    Case(
        "view_as_complex_copy",
        lambda t: lambda x: t.view_as_complex_copy(x.detach().contiguous()).real,
        (normal(2, 2),),
    ),
    Case("view_as_real_copy", lambda t: lambda x: t.view_as_real_copy(pair(t, x)), (normal(2, 2),), halves=()),
    Case("view_copy", lambda t: lambda x: t.view_copy(x.contiguous(), (3, 2)), (normal(2, 3),)),
]

JOINED = [
    Case("block_diag", lambda t: t.block_diag, (normal(2, 1), normal(1, 2))),
    Case("cartesian_prod", lambda t: t.cartesian_prod, (normal(2), normal(3))),
    Case(
        "cat",
        lambda t: lambda x, y: [t.cat([x, y], 1), t.concat((y, y)), t.concatenate([x])],
        (normal(2, 1), normal(2, 2)),
    ),
    Case("column_stack", lambda t: lambda *x: t.column_stack(x), (normal(2), normal(2, 2))),
    Case("combinations", lambda t: t.combinations, (normal(4), 2)),
    Case("dstack", lambda t: lambda *x: t.dstack(x), (normal(2), normal(2))),
    Case("hstack", lambda t: lambda *x: t.hstack(x), (normal(2, 1), normal(2, 2))),
    Case("meshgrid", lambda t: lambda *x: t.meshgrid(*x, indexing="xy"), (normal(2), normal(3))),
    Case("row_stack", lambda t: lambda *x: t.row_stack(x), (normal(2), normal(2))),
    Case("stack", lambda t: lambda *x: t.stack(x, 1), (normal(2, 2), normal(2, 2))),
    Case("trace", lambda t: t.trace, (normal(3, 2),)),
    # PyTorch refuses to differentiate its own.
    Case("vander", lambda t: t.vander, (fixed(normal(3)), 3)),
    Case("vstack", lambda t: lambda *x: t.vstack(x), (normal(2), normal(1, 2))),
]

MOVED = [
    Case("diag", lambda t: lambda x: [t.diag(x, 1), x[0].diag(-1)], (normal(2, 3),)),
    Case("diag_embed", lambda t: t.diag_embed, (normal(2, 2), 1)),
    Case("diagflat", lambda t: t.diagflat, (normal(2, 1), -1)),
    Case("flip", lambda t: lambda x: [t.flip(x, (0, 1)), t.fliplr(x), t.flipud(x)], (normal(2, 3),)),
    Case("repeat", lambda t: lambda x: x.repeat(2, 1, 2), (normal(2, 2),)),
    Case("repeat_interleave", lambda t: t.repeat_interleave, (normal(2, 2), 2, 1)),
    Case("repeat_interleave each", lambda t: t.repeat_interleave, (normal(3), given([2, 0, 1]))),
    Case("roll", lambda t: lambda x: [t.roll(x, 1), t.roll(x, (1, -2), (0, 1))], (normal(2, 3),)),
    Case("rot90", lambda t: lambda x: [t.rot90(x), t.rot90(x, 2)], (normal(2, 3),)),
    Case("tile", lambda t: t.tile, (normal(2, 2), (2,))),
    Case("tril", lambda t: lambda x: [t.tril(x, 1), t.triu(x, -1)], (normal(3, 3),)),
]

PARTS = [
    Case(
        "as_strided_scatter",
        lambda t: lambda x, y: t.as_strided_scatter(x.detach().contiguous(), y, (2, 2), (1, 2)),
        (normal(3, 2), normal(2, 2)),
        smooth=False,
        second=False,
    ),
    Case("diagonal_scatter", lambda t: t.diagonal_scatter, (normal(3, 3), normal(2), 1)),
    Case("select_scatter", lambda t: t.select_scatter, (normal(2, 3), normal(2), 1, 0)),
    Case("slice_scatter", lambda t: t.slice_scatter, (normal(4, 2), normal(2, 2), 0, 1, 4, 2)),
]

CREATED = [
    Case("arange", made("arange", 1, 2.5, 0.5), ()),
    Case("arange whole", made("arange", 5.9, 0.5, -2, dtype="int64"), ()),
    Case("complex", lambda t: lambda x, y: t.view_as_real(t.complex(x, y)), (normal(2), normal(2)), halves=()),
    Case(
        "empty",
        lambda t: lambda: [t.empty(2, 0), t.empty_strided((0, 2), (2, 1)), t.empty_permuted((0, 2), (1, 0))],
        (),
    ),
    Case("eye", made("eye", 2, 3), ()),
    Case("full", lambda t: lambda x: [t.full((2,), 1.5), t.full_like(x, 2), x.new_full((2,), 3)], (normal(2, 2),)),
    Case("linspace", made("linspace", -1, 2.5, 4), ()),
    Case("linspace whole", made("linspace", 2.7, 9.3, 5, dtype="int64"), ()),
    Case("linspace tensors", lambda t: lambda: t.linspace(t.tensor(1), t.tensor(2.0), 3), ()),
    Case("logspace", made("logspace", -1, 2.5, 4, 2.0), ()),
    Case("logspace whole", made("logspace", 0.9, 3.9, 4, 2.0, dtype="int32"), ()),
    Case("ones", lambda t: lambda x: [t.ones(2), t.ones_like(x), x.new_ones(1)], (normal(2, 2),)),
    Case("polar", lambda t: lambda x, y: t.view_as_real(t.polar(x, y)), (uniform(0.5, 1.5, 2), normal(2)), halves=()),
    Case("range", made("range", 1, 3), ()),
    Case("scalar_tensor", made("scalar_tensor", 2), ()),
    Case(
        "tensor",
        lambda t: lambda x: [t.tensor([[1, 2]]), t.as_tensor(x), t.asarray(x), x.new_tensor([1.5])],
        (normal(2),),
    ),
    Case("tril_indices", lambda t: lambda: [t.tril_indices(3, 2, -1), t.triu_indices(2, 3, 1)], ()),
    Case("zeros", lambda t: lambda x: [t.zeros(2), t.zeros_like(x), x.new_zeros(1)], (normal(2, 2),)),
]

CONVERTED = [
    Case("contiguous", lambda t: lambda x: x.t().contiguous(), (normal(2, 3),)),
    Case("fill", lambda t: t.fill, (normal(2, 2), 1.5)),
    Case("fill_", lambda t: lambda x: t.fill_(x * 1, 2.0), (normal(2, 2),)),
    Case("zero_", lambda t: lambda x: t.zero_(x * 1), (normal(2, 2),)),
    Case("fill_diagonal_", lambda t: lambda x: (x * 1).fill_diagonal_(1.0, True), (normal(5, 2),)),
    Case("resize", lambda t: lambda x: [x.resize(3, 2), x.resize_as(x)], (normal(2, 3),)),
    Case(
        "resize_as_", lambda t: lambda x: t.resize_as_(x.detach().clone(), t.ones(2, 2)), (normal(2, 3),), stepped=False
    ),
    Case("resolve", lambda t: lambda x: [t.resolve_conj(x), t.resolve_neg(x)], (normal(2),)),
    Case("to", lambda t: lambda x: [x.to(t.float64), x.double(), x.float()], (normal(3),), smooth=False),
    Case(
        "to whole",
        lambda t: lambda x: [x.long(), x.int(), x.short(), x.char(), x.byte(), x.bool()],
        (given([1.7, -2.2, 0.0]),),
    ),
    Case("chalf", lambda t: lambda x: t.view_as_real(x.detach().chalf()), (given([1.5, -2.0]),), halves=()),
    Case("type_as", lambda t: lambda x, y: [x.type_as(y), x.type(t.float64)], (normal(3), integers(3, 1))),
    Case(
        "where taken apart", lambda t: lambda x: [x[t.where(x > 0)], *t.where(x > 0)], (distinct(2, 3),), smooth=False
    ),
]

CASES = VIEWS + COPIES + JOINED + MOVED + PARTS + CREATED + CONVERTED

REFUSALS = [
    Refusal("view", lambda t: t.ones(2, 3).t().view(6), RuntimeError, "Use .reshape"),
    Refusal("reshape", lambda t: t.ones(4).reshape(3), RuntimeError, "is invalid for input of size 4"),
    Refusal("reshape two unknown", lambda t: t.ones(4).reshape(-1, -1), RuntimeError, "only one dimension can be inferred"),
    Refusal("permute", lambda t: t.ones(2, 3).permute(0, 0), RuntimeError, "duplicate dims are not allowed"),
    Refusal("transpose", lambda t: t.ones(2).transpose(0, 1), IndexError, "Dimension out of range"),
    Refusal("t", lambda t: t.ones(2, 2, 2).t(), RuntimeError, "2 dimensions"),
    Refusal("expand", lambda t: t.ones(2).expand(3), RuntimeError, "must match the existing size"),
    Refusal("unflatten", lambda t: t.ones(4).unflatten(0, (3, 2)), RuntimeError, "don't multiply up"),
    Refusal("unflatten scalar", lambda t: t.tensor(1.0).unflatten(0, (1,)), RuntimeError, "tensor has no dimensions"),
    Refusal("tensor_split", lambda t: t.ones(3).tensor_split(2**63 - 1), RuntimeError, "larger than max_size"),
    Refusal("narrow", lambda t: t.ones(3).narrow(0, 2, 2), RuntimeError, "exceeds dimension size"),
    Refusal("narrow tensor", lambda t: t.ones(3).narrow(0, t.tensor([1, 2]), 2), RuntimeError, "0-dim integral Tensor"),
    Refusal("select", lambda t: t.ones(3).select(0, 3), IndexError, "out of range"),
    Refusal("diagonal", lambda t: t.ones(3, 3).diagonal(0, 1, 1), RuntimeError, "diagonal dimensions cannot be identical"),
    Refusal("as_strided", lambda t: t.ones(4).as_strided((3,), (2,)), RuntimeError, "out of bounds for storage"),
    Refusal("split", lambda t: t.ones(4).split([1, 2]), RuntimeError, "to sum exactly to 4"),
    Refusal("chunk", lambda t: t.ones(4).chunk(0), RuntimeError, "greater than 0"),
    Refusal("hsplit", lambda t: t.hsplit(t.ones(3), 2), RuntimeError, "not divisible"),
    Refusal("cat", lambda t: t.cat([t.ones(2, 2), t.ones(3, 3)]), RuntimeError, "Sizes of tensors must match"),
    Refusal("stack", lambda t: t.stack([t.ones(2), t.ones(3)]), RuntimeError, "equal size"),
    Refusal("cat overlap", lambda t: (lambda x: t.cat([x[:2], x[:2]], out=x[:4]))(t.ones(6)), RuntimeError, "single memory location"),
    Refusal("flip", lambda t: t.ones(2, 2).flip(0, 0), RuntimeError, "appears multiple times"),
    Refusal("roll", lambda t: t.ones(2).roll((1, 2), (0,)), RuntimeError, "shifts and dimensions must align"),
    Refusal("rot90", lambda t: t.rot90(t.ones(2)), RuntimeError, "expected total dims >= 2"),
    Refusal("tril", lambda t: t.ones(2).tril(), RuntimeError, "at least 2 dimensions"),
    Refusal("arange", lambda t: t.arange(0, 3, 0), RuntimeError, "step must be nonzero"),
    Refusal("arange whole", lambda t: t.arange(0, 3, 0.5, dtype=t.int64), ValueError, "step must be nonzero"),
    Refusal("arange sign", lambda t: t.arange(3, 0), RuntimeError, "inconsistent with step sign"),
    Refusal("linspace", lambda t: t.linspace(0, 1, 1.5), TypeError, "invalid combination of arguments"),
    Refusal("linspace tensor", lambda t: t.linspace(t.ones(2), 1, 3), RuntimeError, "only supports 0-dimensional"),
    Refusal("zeros out", lambda t: t.zeros(2, dtype=t.float64, out=t.ones(2)), RuntimeError, "does not match dtype of out"),
    Refusal("zeros negative", lambda t: t.zeros(-1), RuntimeError, "negative dimension"),
    Refusal("full overflow", lambda t: t.full((2,), 300, dtype=t.uint8), RuntimeError, "without overflow"),
    Refusal("complex", lambda t: t.complex(t.ones(2), t.ones(2, dtype=t.float64)), RuntimeError, "Expected object of scalar type"),
    Refusal("view_as_complex", lambda t: t.view_as_complex(t.ones(3)), RuntimeError, "last dimension of size 2"),
    Refusal("view_as_real", lambda t: t.view_as_real(t.ones(3)), RuntimeError, "only supported for complex"),
    Refusal("select_scatter", lambda t: t.select_scatter(t.ones(2, 2), t.ones(3), 0, 0), RuntimeError, "src"),
    Refusal("fill_", lambda t: t.ones(2).fill_(t.ones(2)), RuntimeError, "0-dimension value tensor"),
    Refusal("fill_ overflow", lambda t: t.ones(2).fill_(1e300), RuntimeError, "without overflow"),
    Refusal("copy_ overlap", lambda t: (lambda x: x[1:].copy_(x[:-1]))(t.ones(3)), RuntimeError, "single memory location"),
    Refusal("add_ expanded", lambda t: t.ones(1).expand(2).add_(1), RuntimeError, "more than one element"),
    Refusal("detach_", lambda t: t.ones(2)[:].detach_(), RuntimeError, "Can't detach views in-place"),
    Refusal("unbind", lambda t: t.tensor(1.0).unbind(), IndexError, "tensor has no dimensions"),
    Refusal("resize_", lambda t: t.ones(2, requires_grad=True).resize_(3), RuntimeError, "cannot resize variables"),
    Refusal("bits", lambda t: t.ones(2).to(t.int4), NotImplementedError, "not implemented for 'Int4'"),
]  # fmt: skip
