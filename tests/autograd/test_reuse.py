"""Gradients whose arrays backward overwrites: only those that nobody else can read."""

from __future__ import annotations

from typing import ClassVar

import pytest

import rushlight as torch
from rushlight import nn
from rushlight.autograd.operation import Operation

F = nn.functional


class _Seen(Operation):
    """The identity; its backward notes whether it could have overwritten the gradient."""

    found: ClassVar[list[bool]] = []

    @staticmethod
    def forward(ctx, input):
        return input._array.copy()

    @staticmethod
    def backward(ctx, grad):
        _Seen.found.append(ctx._may_overwrite(grad))
        return grad


def overwrites(make):
    """Whether the gradient of `_Seen`, in the graph that `make` builds of it, may be overwritten."""
    _Seen.found = []
    x = torch.ones(4, requires_grad=True)
    make(_Seen.apply(x * 2))
    return _Seen.found


def held(out):
    out.retain_grad()
    (out * 3.0).sum().backward()


def hooked(out):
    out.register_hook(lambda grad: None)
    (out * torch.ones(4)).sum().backward()


def shown_to_a_node_hook(out):
    out.grad_fn.register_hook(lambda inputs, outputs: None)
    (out * torch.ones(4)).sum().backward()


def the_users(out):
    gradient = torch.ones(4)
    out.backward(gradient)


def shared(out):
    (out + (out.detach() * torch.ones(4, requires_grad=True))).backward(torch.ones(4))


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda out: (out * torch.ones(4)).backward(torch.ones(4)), True),
        (lambda out: out.exp().sum().backward(), True),
        (hooked, False),
        (held, False),
        (shown_to_a_node_hook, False),
        (the_users, False),
        (lambda out: out.sum().backward(), False),
        (lambda out: out.reshape(2, 2).exp().sum().backward(), False),
        (lambda out: (out * torch.ones(4)).sum().backward(create_graph=True), False),
    ],
)
@pytest.mark.filterwarnings("ignore:Using backward")
def test_only_a_gradient_that_nobody_holds_is_overwritten(make, wanted):
    assert overwrites(make) == [wanted]


@pytest.mark.parametrize("layer", [F.relu, F.relu6, lambda x: x.clamp(-0.1, 0.3), nn.BatchNorm2d(3), nn.LayerNorm(5)])
def test_what_others_hold_keeps_its_numbers(layer):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 4, 5, requires_grad=True)
    w = torch.randn(2, 3, 4, 5)
    (alone,) = torch.autograd.grad((layer(x) * w).sum(), x)
    seen = {}
    hidden = layer(x)
    hidden.retain_grad()
    hidden.register_hook(lambda grad: seen.update(hook=grad))
    hidden.grad_fn.register_hook(lambda inputs, outputs: seen.update(node=outputs[0]))
    product = hidden * w
    product.sum().backward()
    for kept in (hidden.grad, seen["hook"], seen["node"]):
        assert torch.equal(kept, w)
    assert torch.equal(x.grad, alone)
    given = w.clone()
    layer(x).backward(given)
    assert torch.equal(given, w)
    assert torch.allclose(x.grad, alone * 2)


def test_a_gradient_for_two_is_not_overwritten():
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    y = torch.tensor([3.0, 4.0], requires_grad=True)
    (F.relu(x * 1.0) + F.relu6(y * 1.0) + y).backward(torch.tensor([5.0, 7.0]))
    assert x.grad.tolist() == [0.0, 7.0] and y.grad.tolist() == [10.0, 14.0]
