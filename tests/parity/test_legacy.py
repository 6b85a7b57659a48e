"""Names of PyTorch's first years against PyTorch: tensor types, Variable, Tensor.new, spmm."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tests.parity.programs import attempt, same_lines  # noqa: E402

KINDS = (
    "BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor",
    "LongTensor", "ShortTensor",
)  # fmt: skip


def types(t: Any) -> None:
    for name in KINDS:
        kind = getattr(t, name)
        print(name, kind(2, 3).shape, kind.dtype, kind([[1, 0], [2, 3]]), kind(), t.ones(2).type(kind).dtype)
        print([isinstance(kind(1), getattr(t, other)) for other in KINDS], issubclass(kind, t.Tensor))
    for argument in (t.Size([2, 2]), (2, 3), [1.7, 2], range(2), 3):
        attempt(lambda argument=argument: (t.LongTensor(argument).shape, t.LongTensor(argument).dtype))
    for wrong in (2.5, -1, None, (i for i in range(2))):
        attempt(lambda wrong=wrong: t.FloatTensor(wrong))
    for default in (t.DoubleTensor, "torch.FloatTensor"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch warns the first time only
            t.set_default_tensor_type(default)
        print(t.ones(1).dtype)


def variable(t: Any) -> None:
    Variable = t.autograd.Variable
    x = t.ones(2, requires_grad=True) * 2
    v = Variable(x)
    print(v, v is x, v.data_ptr() == x.data_ptr(), v.is_leaf, isinstance(x, Variable), isinstance(3, Variable))
    x.detach().add_(1)
    print(v, v._version)
    attempt(lambda: Variable(t.ones(2), requires_grad=True))
    attempt(lambda: Variable(data=t.nn.Parameter(t.ones(1)), volatile=True))
    attempt(lambda: Variable())
    attempt(lambda: Variable([1.0]))
    y = t.ones(1, dtype=t.float64, requires_grad=True)
    print(y.new(2).dtype, y.new([1, 2]), y.new(t.Size([2, 1])).shape, y.new().requires_grad)


def products(t: Any) -> None:
    a = t.eye(3).to_sparse() * 2
    b = t.arange(6.0).view(3, 2).requires_grad_()
    for f in (t.spmm, t.mm, t.matmul, lambda x, y: x @ y, lambda x, y: x.mm(y)):
        out = f(a, b)
        print(out.detach(), t.autograd.grad(out.pow(2).sum(), b))
    print(t.matmul(a, t.ones(3)), t.spmm(t.eye(3), b).detach())


@pytest.mark.parametrize("program", [types, variable, products])
def test_programs_print_the_same(program: Any) -> None:
    same_lines(program)
