"""Random chains of views and writes: after every step both libraries agree on numbers, versions, histories, errors.

A step is four whole numbers: which of the three tables, which entry, which tensors, and a number for its arguments.
`python -m tests.parity.test_aliasing COUNT [SEED]` runs as many programs and prints the first of each kind that differs.
"""

from __future__ import annotations

import contextlib
import random
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

Step = tuple[int, int, int, int]
MOST_STEPS = 8


def single(x: Any) -> Any:
    """A tensor whose elements have a place each: of others, some writes are refused in backward only."""
    return x.clone() if 0 in x.stride() else x


def overlaps(x: Any) -> bool:
    """Whether elements that lie apart share memory, as windows do."""
    places = sum(np.arange(n).reshape([-1 if i == d else 1 for i in range(x.ndim)]) * x.stride(d)
                 for d, n in enumerate(x.shape))  # fmt: skip
    return 0 not in x.stride() and len(np.unique(places)) < x.numel()


def reshapable(t: Any, x: Any) -> Any:
    """A tensor that may change its shape in place without a record: gradients would keep the old one."""
    return x.clone() if x.requires_grad and not t.is_grad_enabled() else x


def apart(x: Any, y: Any) -> Any:
    """What can be read while x is written: the order in which elements with gaps between them are, is no one's."""
    shared = x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr()
    return y.clone() if shared and not (x.is_contiguous() and y.is_contiguous()) else y


# Of a tensor x and a number r that chooses among the arguments that x allows.
VIEWS: dict[str, Callable[[Any, Any, int], Any]] = {
    "x[i]": lambda t, x, r: x[r % 3 - 1],
    "x[...]": lambda t, x, r: x[...],
    "x[:]": lambda t, x, r: x[:],
    "x[None]": lambda t, x, r: x[None],
    "x[1:]": lambda t, x, r: x[r % 3 :],
    "x[::2]": lambda t, x, r: x[:: 1 + r % 3],
    "x[..., 0]": lambda t, x, r: x[..., r % 2],
    "x[:, 1:]": lambda t, x, r: x[:, r % 3 :],
    "x[0, ..., None]": lambda t, x, r: x[0, ..., None],
    "view(-1)": lambda t, x, r: x.view(-1),
    "view(shape)": lambda t, x, r: x.view(x.shape),
    "view(1, shape)": lambda t, x, r: x.view(1, *x.shape),
    "view_as": lambda t, x, r: x.view_as(x),
    "view(dtype)": lambda t, x, r: x.view(t.int64).view(t.float64),
    "reshape": lambda t, x, r: x.reshape(-1),
    "reshape(1)": lambda t, x, r: x.reshape(*x.shape, 1),
    "flatten": lambda t, x, r: x.flatten(),
    "unflatten": lambda t, x, r: x.unflatten(0, (-1, 1)),
    "ravel": lambda t, x, r: x.ravel(),
    "t": lambda t, x, r: x.t(),
    "mT": lambda t, x, r: x.mT,
    "T": lambda t, x, r: x.T,
    "transpose": lambda t, x, r: x.transpose(0, -1),
    "permute": lambda t, x, r: x.permute(*range(x.ndim)[::-1]),
    "swapaxes": lambda t, x, r: x.swapaxes(-1, 0),
    "movedim": lambda t, x, r: x.movedim(0, -1),
    "squeeze": lambda t, x, r: x.squeeze(),
    "squeeze(0)": lambda t, x, r: x.squeeze(r % 2),
    "squeeze(dims)": lambda t, x, r: x.squeeze((0, -1)) if x.ndim > 1 else x.squeeze((0,)),
    "unsqueeze": lambda t, x, r: x.unsqueeze(r % 2),
    "expand": lambda t, x, r: x.expand(2, *x.shape),
    "expand_as": lambda t, x, r: x.expand_as(x),
    "broadcast_to": lambda t, x, r: t.broadcast_to(x, (2, *x.shape)),
    "narrow": lambda t, x, r: x.narrow(0, r % 2, 1 + r % 2),
    "select": lambda t, x, r: x.select(-1, r % 3),
    "diagonal": lambda t, x, r: x.diagonal(r % 3 - 1),
    "unfold": lambda t, x, r: x.unfold(0, 2, 1 + r % 2),
    "as_strided": lambda t, x, r: x.as_strided((2, 2), (1, 2), r % 3) if not x._is_view() else x[0],
    "split": lambda t, x, r: x.split(2)[0],
    "split_with_sizes": lambda t, x, r: x.split((1, x.shape[0] - 1))[1],
    "chunk": lambda t, x, r: x.chunk(2, -1)[-1],
    "tensor_split": lambda t, x, r: x.tensor_split(2)[0],
    "hsplit": lambda t, x, r: x.hsplit([1])[0],
    "unbind": lambda t, x, r: x.unbind()[-1],
    "iteration": lambda t, x, r: next(iter(x)),
    "unsafe_chunk": lambda t, x, r: x.unsafe_chunk(2)[0],
    "contiguous": lambda t, x, r: x.contiguous(),
    "to": lambda t, x, r: x.to(t.float64),
    "detach": lambda t, x, r: x.detach(),
    "data": lambda t, x, r: x.data,
    "atleast_2d": lambda t, x, r: t.atleast_2d(x),
    "meshgrid": lambda t, x, r: t.meshgrid(x.flatten(), indexing="ij")[0],
    "real": lambda t, x, r: x.real,
    "conj": lambda t, x, r: x.conj(),
}

# New memory, and the flags of old.
OTHERS: dict[str, Callable[[Any, Any, Any, int], Any]] = {
    "x * y": lambda t, x, y, r: x.contiguous() * y.contiguous(),
    "x + 1": lambda t, x, y, r: x.contiguous() + 1,
    "x.clone()": lambda t, x, y, r: x.clone(),
    "x.exp()": lambda t, x, y, r: x.contiguous().exp(),
    "x.square()": lambda t, x, y, r: x.contiguous().square(),
    "x.sum()": lambda t, x, y, r: x.contiguous().sum(),
    "x.requires_grad_()": lambda t, x, y, r: x.requires_grad_(r % 4 > 0),
    "x.detach_()": lambda t, x, y, r: x.detach_(),
}

# Into a tensor x, of another y.
WRITES: dict[str, Callable[[Any, Any, Any, int], Any]] = {
    "add_(1)": lambda t, x, y, r: x.add_(1),
    "add_": lambda t, x, y, r: x.add_(y),
    "add_(alpha)": lambda t, x, y, r: x.add_(y, alpha=0.5),
    "sub_": lambda t, x, y, r: x.sub_(y),
    "mul_(0.5)": lambda t, x, y, r: x.mul_(0.5),
    "mul_": lambda t, x, y, r: x.mul_(y),
    "div_": lambda t, x, y, r: x.div_(y + 3),
    "pow_": lambda t, x, y, r: x.pow_(2),
    "neg_": lambda t, x, y, r: x.neg_(),
    "sigmoid_": lambda t, x, y, r: x.sigmoid_(),
    "tanh_": lambda t, x, y, r: x.tanh_(),
    "relu_": lambda t, x, y, r: x.relu_(),
    "clamp_": lambda t, x, y, r: x.clamp_(-0.5, 0.5),
    "sqrt_": lambda t, x, y, r: x.abs_().add_(1).sqrt_(),
    "zero_": lambda t, x, y, r: single(x).zero_(),
    "fill_": lambda t, x, y, r: x.fill_(0.25),
    "fill_(0-dim)": lambda t, x, y, r: x.fill_(y.sum()),
    "copy_": lambda t, x, y, r: x.copy_(y),
    "lerp_": lambda t, x, y, r: x.lerp_(y, 0.5),
    "addcmul_": lambda t, x, y, r: x.addcmul_(y, y),
    "x[0] = number": lambda t, x, y, r: x.__setitem__(0, 0.5),
    "x[...] = y": lambda t, x, y, r: x.__setitem__(..., y),
    "x[1:] = x[:-1]": lambda t, x, y, r: x.__setitem__(slice(1, None), apart(x[1:], x[:-1])),
    "x[0] = x[-1]": lambda t, x, y, r: x.__setitem__(0, x[-1]),
    "x[index] = y[0]": lambda t, x, y, r: single(x).__setitem__(t.tensor([0, -1]), y[0]),
    "x[mask] = 1": lambda t, x, y, r: single(x).__setitem__(x > 0.3, 1.0),
    "x += y": lambda t, x, y, r: x.__iadd__(y),
    "x *= 2": lambda t, x, y, r: x.__imul__(2),
    "masked_fill_": lambda t, x, y, r: single(x).masked_fill_(x > 0.4, 0.1),
    "index_put_": lambda t, x, y, r: single(x).index_put_((t.tensor([0]),), y.sum(), accumulate=r % 2 > 0),
    "index_add_": lambda t, x, y, r: x.index_add_(0, t.tensor([0]), y[:1]),
    "index_fill_": lambda t, x, y, r: single(x).index_fill_(0, t.tensor([0]), 0.5),
    "index_copy_": lambda t, x, y, r: x.index_copy_(0, t.tensor([0]), y[:1]),
    "scatter_": lambda t, x, y, r: x.scatter_(0, t.zeros_like(x, dtype=t.int64), 0.5),
    "scatter_add_": lambda t, x, y, r: x.scatter_add_(0, t.zeros_like(y, dtype=t.int64), y),
    "fill_diagonal_": lambda t, x, y, r: x.fill_diagonal_(0.5),
    "tril_": lambda t, x, y, r: single(x).tril_(),
    "cumsum_": lambda t, x, y, r: x.cumsum_(0),
    "t_": lambda t, x, y, r: reshapable(t, x).t_(),
    "transpose_": lambda t, x, y, r: reshapable(t, x).transpose_(0, -1),
    "squeeze_": lambda t, x, y, r: reshapable(t, x).squeeze_(),
    "unsqueeze_": lambda t, x, y, r: reshapable(t, x).unsqueeze_(0),
    "add(out=)": lambda t, x, y, r: t.add(y.clone(), 1, out=x) if x.shape == y.shape else x,
}
REFUSED = ("in an in-place operation", "single memory location", "modified inplace")
TABLES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("view", VIEWS), ("view", VIEWS), ("write", WRITES), ("write", WRITES), ("other", OTHERS),
)  # fmt: skip


class Run:
    """The tensors that a program made so far on one library, and what went wrong."""

    def __init__(self, t: Any, leaf: bool) -> None:
        self.t = t
        values = np.random.default_rng(0).uniform(0.2, 0.9, (2, 3, 3))
        x = t.tensor(values[0], requires_grad=leaf)
        self.leaves = [x, t.tensor(values[1], requires_grad=True)]
        self.tensors = [x, x * 1, self.leaves[1] * 2, t.tensor(values[1])]

    def step(self, step: Step) -> str:
        """Take a step; the error it met, or nothing."""
        _, table, name, recorded = described(step)
        which, number = step[2], step[3]
        count = len(self.tensors)
        x, y = self.tensors[which % count], self.tensors[which // 7 % count]
        with contextlib.nullcontext() if recorded else self.t.no_grad():
            try:
                if table is WRITES:
                    # What a write into overlapping windows leaves there is no one's to say.
                    x = x.clone() if overlaps(x) else x
                    y = apart(x, y)
                arguments = (x,) if table is VIEWS else (x, y)
                result = table[name](self.t, *arguments, number)
            except Exception as error:
                return f"{type(error).__name__}: {wording(error)}"
        if table is not WRITES:
            self.tensors.append(result)
        return ""

    def state(self) -> list[Any]:
        """All that can be seen of the tensors."""
        owners = [x.untyped_storage().data_ptr() for x in self.tensors]
        return [
            (
                tuple(x.shape),
                x.stride() if 0 not in x.shape and 1 not in x.shape else (),
                x.storage_offset() if 0 not in x.shape else 0,
                owners.index(owner),
                x._version,
                x.requires_grad,
                x._is_view(),
                attempt(lambda x=x: x.is_leaf),
                attempt(lambda x=x: x.grad_fn and type(x.grad_fn).__name__),
                attempt(lambda x=x: x.output_nr),
            )
            for x, owner in zip(self.tensors, owners, strict=True)
        ]

    def values(self) -> list[Any]:
        return [x.detach().resolve_conj().numpy().copy() for x in self.tensors]

    def gradients(self) -> Any:
        """The first gradients of all tensors' weighted sum and the second ones, or the error."""
        wanted = []
        try:
            wanted = [(i + 1) * x.sin().sum() for i, x in enumerate(self.tensors) if x.requires_grad]
        except RuntimeError as error:
            return "forward " + wording(error)
        leaves = list({id(x): x for x in (*self.leaves, *self.tensors) if x.requires_grad and x.is_leaf}.values())
        if not wanted or not leaves:
            return ()
        try:
            first = self.t.autograd.grad(sum(wanted), leaves, create_graph=True, allow_unused=True)
        except RuntimeError as error:
            return "backward " + wording(error)
        again = [(g * g).sum() for g in first if g is not None and g.requires_grad]
        try:
            second = self.t.autograd.grad(sum(again), leaves, allow_unused=True) if again else ()
        except RuntimeError as error:
            return "backward of backward " + wording(error)
        return [[0.0 if g is None else g.detach().numpy() for g in group] for group in (first, second)]


def attempt(look: Callable[[], Any]) -> Any:
    try:
        return look()
    except RuntimeError as error:
        return wording(error)


def wording(error: Exception) -> str:
    """An error's first line, without the name of the function that PyTorch puts before it where `out=` is given."""
    lines = str(error).split("\n")
    return re.sub(r"\s+", " ", lines[0]).strip().removeprefix("add(): ")


def described(step: Step) -> tuple[str, dict[str, Any], str, bool]:
    kind, table = TABLES[step[0] % len(TABLES)]
    return kind, table, sorted(table)[step[1] % len(table)], step[0] % 37 > 4


def text_of(steps: Sequence[Step], leaf: bool) -> str:
    """A program as one can read it."""
    lines = [f"x0 {'requires' if leaf else 'does not require'} grad; x1 = x0 * 1; x2 = y * 2; x3"]
    for step in steps:
        kind, _, name, recorded = described(step)
        lines.append(f"{kind} {name} x#{step[2]} y#{step[2] // 7} r={step[3]}{'' if recorded else ' (no_grad)'}")
    return "\n".join(lines)


def check(steps: Sequence[Step], leaf: bool) -> None:
    """Take the steps on both libraries; AssertionError where they come apart."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, mine = Run(torch, leaf), Run(rushlight, leaf)
        for number, step in enumerate(steps):
            expected, found = theirs.step(step), mine.step(step)
            label = f"step {number} ({described(step)[2]})"
            # Where a write is refused as such and its arguments are wrong, too, either may be said.
            if not (found and any(text in expected for text in REFUSED)):
                assert found == expected, f"{label}: error {found!r}, expected {expected!r}"
            for i, (a, b) in enumerate(zip(mine.state(), theirs.state(), strict=True)):
                assert a == b, f"{label}: x{i} is {a}, expected {b}"
            for i, (a, b) in enumerate(zip(mine.values(), theirs.values(), strict=True)):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12, err_msg=f"{label}: x{i}")
        expected, found = theirs.gradients(), mine.gradients()
        if isinstance(expected, str) or isinstance(found, str):
            # Which of several tensors that were written to is met first is not compared.
            found, expected = (one.split(": [")[0] if isinstance(one, str) else one for one in (found, expected))
            assert found == expected, f"gradients {found!r}, expected {expected!r}"
            return
        for order, (a, b) in enumerate(zip(found, expected, strict=True)):
            for g, h in zip(a, b, strict=False):
                np.testing.assert_allclose(g, h, rtol=1e-8, atol=1e-10, err_msg=f"gradient of order {order + 1}")


NUMBER = st.integers(0, 999)
STEPS = st.lists(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER), min_size=1, max_size=MOST_STEPS)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(STEPS, st.booleans())
def test_programs(steps: list[Step], leaf: bool) -> None:
    note(text_of(steps, leaf))
    check(steps, leaf)


@pytest.mark.parametrize("name", VIEWS)
def test_views_share_memory(name: str) -> None:
    """A view shares memory just where PyTorch's does, and writes through it are seen."""
    for shape in ((3, 3), (3,), (2, 1, 3), (), (1,)):
        found = []
        for t in (torch, rushlight):
            x = t.arange(float(np.prod(shape)), dtype=t.float64).reshape(shape)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    view = VIEWS[name](t, x, 0)
                except Exception as error:
                    found.append((type(error).__name__, wording(error)))
                    continue
            same = view.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
            offset = view.storage_offset() if view.numel() else 0
            found.append((same, view.stride(), offset, view._base is x, view.tolist()))
        assert found[1] == found[0], f"{name} of {shape}"


def main() -> None:
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    kinds: dict[str, int] = {}
    for number in range(seed, seed + count):
        draw = random.Random(number)
        steps = [tuple(draw.randrange(1000) for _ in range(4)) for _ in range(draw.randint(1, MOST_STEPS))]
        leaf = draw.random() < 0.5
        try:
            check(steps, leaf)  # type: ignore[arg-type]
        except Exception as error:
            kind = re.sub(r"x?\d+", "#", " ".join(str(error).split()))[:90]
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] == 1:
                print(f"--- seed {number}\n{text_of(steps, leaf)}\n{type(error).__name__} {str(error).strip()[:600]}")
    for kind, times in sorted(kinds.items(), key=lambda item: -item[1]):
        print(times, kind)
    print(f"{sum(kinds.values())} of {count} differ, from seed {seed}")


if __name__ == "__main__":
    main()
