"""Parametrizations against PyTorch: what programs print of them."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

from tests.parity.programs import attempt, same_lines

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


def symmetric(t: Any) -> Any:
    class Symmetric(t.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, x: Any) -> Any:
            return x.triu()

    return Symmetric()


def scaled(t: Any) -> Any:
    class Scaled(t.nn.Module):
        def forward(self, x: Any) -> Any:
            return x * 2

        def right_inverse(self, x: Any) -> Any:
            return x / 2

    return Scaled()


def plain(t: Any) -> Any:
    class Plain(t.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.abs()

    return Plain()


def rank_one(t: Any) -> Any:
    class RankOne(t.nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x.unsqueeze(-1) @ y.unsqueeze(-2)

        def right_inverse(self, z: Any) -> Any:
            return z[:, 0].clone(), z[0] / z[0, 0]

    return RankOne()


def whole(module: Any) -> None:
    """All that a module shows of itself."""
    print(module, type(module).__name__)
    if hasattr(module, "parametrizations"):
        print(type(module).__mro__[1].__name__)
    print([(name, tuple(p.shape), p.requires_grad) for name, p in module.named_parameters()])
    print([(name, tuple(b.shape)) for name, b in module.named_buffers()])
    print(list(module.state_dict()))


@program
def registration(t: Any) -> None:
    P = t.nn.utils.parametrize
    layer = t.nn.Linear(3, 3)
    weight = layer.weight
    print(P.register_parametrization(layer, "weight", symmetric(t)) is layer)
    whole(layer)
    print(layer.parametrizations.weight.original is weight, layer.weight.grad_fn is not None, layer.weight)
    P.register_parametrization(layer, "weight", scaled(t))
    P.register_parametrization(layer, "bias", plain(t))
    whole(layer)
    print(layer.weight, layer.bias)
    print([P.is_parametrized(layer, name) for name in (None, "weight", "bias", "x")])
    print(P.type_before_parametrizations(layer).__name__, P.type_before_parametrizations(t.nn.ReLU()).__name__)
    print(isinstance(layer, t.nn.Linear), "weight" in layer._parameters, "weight" in dir(layer))
    layer(t.ones(3)).sum().backward()
    print(weight.grad, layer.parametrizations.bias.original.grad)


@program
def assignment(t: Any) -> None:
    P = t.nn.utils.parametrize
    layer = t.nn.Linear(2, 2)
    P.register_parametrization(layer, "weight", symmetric(t))
    original = layer.parametrizations.weight.original
    layer.weight = t.tensor([[1.0, 2.0], [2.0, 3.0]])
    print(layer.weight, original, layer.parametrizations.weight.original is original)
    P.register_parametrization(layer, "weight", scaled(t))
    layer.weight = t.tensor([[1.0, 2.0], [2.0, 3.0]])
    print(layer.weight, original)
    attempt(lambda: setattr(layer, "weight", t.nn.Parameter(t.ones(2, 2))))
    attempt(lambda: setattr(layer, "weight", t.ones(2, 2).double()))
    P.register_parametrization(layer, "bias", plain(t))
    attempt(lambda: setattr(layer, "bias", t.ones(2)))


@program
def buffers(t: Any) -> None:
    P = t.nn.utils.parametrize
    layer = t.nn.BatchNorm1d(2)
    P.register_parametrization(layer, "running_var", plain(t))
    whole(layer)
    layer(t.randn(4, 2))
    print(layer.running_var.requires_grad)
    P.remove_parametrizations(layer, "running_var")
    whole(layer)


@program
def several_originals(t: Any) -> None:
    P = t.nn.utils.parametrize
    layer = t.nn.Linear(3, 2)
    P.register_parametrization(layer, "weight", rank_one(t))
    whole(layer)
    print(layer.weight, layer.parametrizations.weight.is_tensor, layer.parametrizations.weight.ntensors)
    layer.weight = t.ones(2, 3)
    print(layer.parametrizations.weight.original0, layer.parametrizations.weight.original1)
    layer.requires_grad_(False)
    print(layer.weight.requires_grad)
    layer.requires_grad_(True)
    P.remove_parametrizations(layer, "weight")
    whole(layer)
    print(layer.weight)


@program
def removal(t: Any) -> None:
    P = t.nn.utils.parametrize
    for leave in (True, False):
        layer = t.nn.Linear(2, 2)
        weight = layer.weight
        before = weight.clone()
        P.register_parametrization(layer, "weight", scaled(t))
        P.register_parametrization(layer, "bias", plain(t))
        print(P.remove_parametrizations(layer, "weight", leave_parametrized=leave) is layer)
        whole(layer)
        print(layer.weight is weight, t.equal(layer.weight, before), type(layer.weight).__name__)
        P.remove_parametrizations(layer, "bias", leave)
        whole(layer)
        attempt(lambda: P.remove_parametrizations(layer, "bias"))


@program
def unsafe(t: Any) -> None:
    P = t.nn.utils.parametrize

    class Wider(t.nn.Module):
        def forward(self, x: Any) -> Any:
            return t.cat([x, x], 1).double()

    layer = t.nn.Linear(2, 1)
    attempt(lambda: P.register_parametrization(layer, "weight", Wider()))
    whole(layer)
    P.register_parametrization(layer, "weight", Wider(), unsafe=True)
    print(layer.weight.shape, layer.weight.dtype, layer.parametrizations.weight.unsafe)
    attempt(lambda: P.register_parametrization(layer, "weight", Wider()))
    P.register_parametrization(layer, "weight", Wider(), unsafe=True)
    print(layer.weight.shape)
    with pytest.raises(RuntimeError):
        P.remove_parametrizations(layer, "weight")


@program
def refusals_in_a_chain(t: Any) -> None:
    P = t.nn.utils.parametrize

    def kind(forward: Any, inverse: Any = None) -> Any:
        members = {"forward": forward} | ({} if inverse is None else {"right_inverse": inverse})
        return type("Kind", (t.nn.Module,), members)()

    layer = P.register_parametrization(t.nn.Linear(2, 2), "weight", scaled(t))
    for forward, inverse in (
        (lambda self, x: 3, None),
        (lambda self, x: x.double(), None),
        (lambda self, x: x[0], None),
        (lambda self, x: x, lambda self, x: 3),
        (lambda self, x: x, lambda self, x: x.double()),
        (lambda self, x: x, lambda self, x: x[0]),
    ):
        attempt(lambda: P.register_parametrization(layer, "weight", kind(forward, inverse)))
    print(len(layer.parametrizations.weight))

    class Fickle(t.nn.Module):
        results: Any = None

        def forward(self, *x: Any) -> Any:
            return x[0]

        def right_inverse(self, x: Any) -> Any:
            return self.results

    for first, later in (
        (t.ones(2, 2), (3, t.ones(2, 2).double())),
        (
            (t.ones(2, 2), t.ones(1)),
            (t.ones(2, 2), 3, [t.ones(1)], [t.ones(2, 2), 3], [t.ones(2, 2), t.ones(1).double()]),
        ),
    ):
        fickle = Fickle()
        fickle.results = first
        other = P.register_parametrization(t.nn.Linear(2, 2), "weight", fickle, unsafe=True)
        for result in later:
            fickle.results = result
            attempt(lambda: setattr(other, "weight", t.ones(2, 2)))


@program
def caching(t: Any) -> None:
    P = t.nn.utils.parametrize
    layer = P.register_parametrization(t.nn.Linear(2, 2), "weight", scaled(t))
    other = P.register_parametrization(t.nn.Linear(2, 2), "weight", scaled(t))
    print(layer.weight is layer.weight)
    with P.cached():
        first = layer.weight
        print(layer.weight is first, other.weight is first)
        with P.cached():
            print(layer.weight is first)
        print(layer.weight is first)
    print(layer.weight is first)


@program
def copies_and_pickles(t: Any) -> None:
    P = t.nn.utils.parametrize
    net = t.nn.Sequential(t.nn.utils.parametrizations.weight_norm(t.nn.Linear(2, 2)), t.nn.ReLU())
    twin = copy.deepcopy(net)
    print(twin, t.equal(twin[0].weight, net[0].weight), twin[0].parametrizations is net[0].parametrizations)
    with t.no_grad():
        twin[0].parametrizations.weight.original0.mul_(2)
    print(t.allclose(twin[0].weight, net[0].weight * 2), P.is_parametrized(twin[0]))
    attempt(lambda: pickle.dumps(net))
    attempt(lambda: net[0].__getstate__())
    print(twin.load_state_dict(net.state_dict()), t.equal(twin[0].weight, net[0].weight))
    net.double().eval()
    print(net[0].weight.dtype, net[0].parametrizations.weight[0].training)
    net.zero_grad()
    net(t.ones(2).double()).sum().backward()
    print([p.grad is not None for p in net.parameters()])


@program
def transfer(t: Any) -> None:
    P = t.nn.utils.parametrize
    source = t.nn.Linear(2, 2)
    P.register_parametrization(source, "weight", scaled(t))
    P.register_parametrization(source, "bias", plain(t))
    target = t.nn.Linear(2, 2)
    print(P.transfer_parametrizations_and_params(source, target, "weight") is target)
    whole(target)
    print(target.parametrizations.weight.original is source.parametrizations.weight.original)
    empty = t.nn.ReLU()
    P.transfer_parametrizations_and_params(source, empty)
    whole(empty)
    print(t.equal(empty.weight, source.weight))
    several = P.register_parametrization(t.nn.Linear(2, 2), "weight", rank_one(t))
    other = P.transfer_parametrizations_and_params(several, t.nn.Linear(2, 2))
    whole(other)
    print(other.parametrizations.weight.original1 is several.parametrizations.weight.original1)
    print(P.transfer_parametrizations_and_params(t.nn.Linear(2, 2), t.nn.ReLU()))


@program
def weight_norm(t: Any) -> None:
    for dim in (0, 1, -1, None):
        layer = t.nn.utils.parametrizations.weight_norm(t.nn.Linear(3, 2), dim=dim)
        whole(layer)
        print(layer.weight, layer.parametrizations.weight.original0, layer.parametrizations.weight[0].dim)
    old = t.nn.utils.weight_norm(t.nn.Linear(3, 2))
    new = t.nn.utils.parametrizations.weight_norm(t.nn.Linear(3, 2))
    print(new.load_state_dict(old.state_dict()), t.allclose(new.weight, old.weight))
    net = t.nn.Sequential(new)
    print(net.load_state_dict(t.nn.Sequential(old).state_dict()))


@program
def spectral_norm(t: Any) -> None:
    N = t.nn.utils.parametrizations
    layer = N.spectral_norm(t.nn.Linear(4, 3))
    whole(layer)
    for _ in range(3):
        layer(t.ones(4)).sum().backward()
        print(layer.parametrizations.weight[0]._u, layer.parametrizations.weight[0]._v)
    print(layer.parametrizations.weight.original.grad)
    layer.eval()
    print(layer.weight, t.equal(layer.weight, layer.weight))
    whole(N.spectral_norm(t.nn.ConvTranspose2d(2, 3, 2)))
    whole(N.spectral_norm(t.nn.Linear(2, 2), "bias", dim=-1))
    print(N.spectral_norm(t.nn.Conv2d(2, 3, 2), dim=2, n_power_iterations=3, eps=1e-3).weight.sum())
    print(t.rand(1))


@program
def orthogonal(t: Any) -> None:
    N = t.nn.utils.parametrizations
    for rows, columns in ((3, 3), (4, 2), (2, 4)):
        for kind in (None, "matrix_exp", "cayley", "householder"):
            for trivial in (True, False):
                layer = N.orthogonal(t.nn.Linear(columns, rows), orthogonal_map=kind, use_trivialization=trivial)
                q = layer.weight
                q = q if rows >= columns else q.T
                print(t.allclose(q.T @ q, t.eye(q.shape[1]), atol=1e-5), list(layer.state_dict()))
                print(layer.parametrizations.weight.original.detach().round(decimals=3) + 0.0)
                print(layer.weight.detach().round(decimals=3) + 0.0)
    layer = N.orthogonal(t.nn.Linear(2, 2))
    print(layer, layer.parametrizations.weight[0].orthogonal_map)
    layer.weight = t.tensor([[0.0, 1.0], [1.0, 0.0]])
    print(layer.weight.detach() + 0.0)
    layer.weight = t.tensor([[0.0, 2.0], [1.0, 0.0]])
    print(layer.weight.detach() + 0.0)
    complex_layer = N.orthogonal(t.nn.Linear(2, 2).to(t.complex64))
    q = complex_layer.weight
    print(t.allclose(q.mH @ q, t.eye(2, dtype=t.complex64), atol=1e-5), q.dtype)
    layer = N.orthogonal(t.nn.Linear(3, 2), orthogonal_map="householder")
    optimizer = t.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        layer(t.ones(3)).square().sum().backward()
        optimizer.step()
    print(layer.weight.detach().round(decimals=3) + 0.0)


@program
def weight_norm_hook(t: Any) -> None:
    layer = t.nn.utils.weight_norm(t.nn.Linear(3, 2), dim=None)
    whole(layer)
    print(layer.weight, layer.weight_g, isinstance(layer.weight, t.nn.Parameter))
    layer(t.ones(3)).sum().backward()
    print(layer.weight_g.grad, layer.weight_v.grad)
    attempt(lambda: copy.deepcopy(layer))
    attempt(lambda: t.nn.utils.weight_norm(layer))
    attempt(lambda: t.nn.utils.remove_weight_norm(layer, "bias"))
    print(t.nn.utils.remove_weight_norm(layer) is layer, layer._forward_pre_hooks)
    whole(layer)
    net = t.nn.Sequential(t.nn.utils.weight_norm(t.nn.Conv1d(1, 2, 2)), t.nn.ReLU())
    net.double()(t.ones(1, 1, 3).double()).sum().backward()
    print(net[0].weight.dtype, net[0].weight_v.grad)
    W = type(next(iter(net[0]._forward_pre_hooks.values())))
    print(W("bias", None).dim, W("bias", 1).name)


@program
def spectral_norm_hook(t: Any) -> None:
    layer = t.nn.utils.spectral_norm(t.nn.Linear(3, 2))
    whole(layer)
    print(layer.weight, layer.weight_u, layer.weight_v, layer.weight.requires_grad)
    for _ in range(2):
        layer(t.ones(3)).sum().backward()
        print(layer.weight_u, layer.weight_v, layer.weight)
    print(layer.weight_orig.grad, layer.state_dict()._metadata)
    a, b = layer(t.ones(3)), layer(t.zeros(3))
    (a - b).sum().backward()
    layer.eval()
    print(layer(t.ones(3)))
    other = t.nn.utils.spectral_norm(t.nn.Linear(3, 2))
    print(other.load_state_dict(layer.state_dict()), t.allclose(other.eval()(t.ones(3)), layer(t.ones(3))))
    made = dict(layer.state_dict())
    print(other.load_state_dict(made))
    attempt(lambda: other.load_state_dict({key: value for key, value in made.items() if key != "weight_u"}))
    print(t.nn.utils.remove_spectral_norm(layer) is layer, len(layer._forward_pre_hooks), len(layer._state_dict_hooks))
    whole(layer)
    print(layer.weight)
    attempt(lambda: t.nn.utils.remove_spectral_norm(layer))
    whole(t.nn.utils.spectral_norm(t.nn.ConvTranspose1d(2, 3, 2)))
    whole(t.nn.utils.spectral_norm(t.nn.Conv1d(2, 3, 2), n_power_iterations=2, dim=2))
    print(t.rand(1))


@program
def spectral_norm_of_an_old_state(t: Any) -> None:
    layer = t.nn.utils.spectral_norm(t.nn.Linear(3, 2))
    layer(t.ones(3))
    layer.eval()
    expected = layer(t.ones(3)).detach()
    state = layer.state_dict()
    del state["weight_v"]
    state["weight"] = layer.weight.detach()
    state._metadata[""] = {"version": 1}
    other = t.nn.utils.spectral_norm(t.nn.Linear(3, 2)).eval()
    print(other.load_state_dict(state), t.allclose(other(t.ones(3)), expected, atol=1e-6))
    del state["weight_orig"]
    attempt(lambda: other.load_state_dict(state))
    print(other.load_state_dict(state, strict=False))


@program
def printed_graphs(t: Any) -> None:
    N = t.nn.utils.parametrizations
    for layer in (
        N.weight_norm(t.nn.Linear(2, 2)),
        N.spectral_norm(t.nn.Linear(2, 2)),
        N.orthogonal(t.nn.Linear(2, 2)),
        N.orthogonal(t.nn.Linear(2, 2), orthogonal_map="householder"),
        N.orthogonal(t.nn.Linear(2, 2), orthogonal_map="cayley", use_trivialization=False),
        N.spectral_norm(t.nn.Linear(2, 2), "bias"),
    ):
        names = [name for name in ("weight", "bias") if hasattr(layer.parametrizations, name)]
        print([type(getattr(layer, name).grad_fn).__name__ for name in names])
    x = t.randn(3, 3, requires_grad=True)
    for out in (
        t.matrix_exp(x),
        t.linalg.matrix_exp(x),
        t.linalg.qr(x)[0],
        t.geqrf(x)[1],
        t.linalg.householder_product(x, x[0]),
        t._weight_norm(x, x[:, :1]),
        t.linalg.solve(x, x),
    ):
        print(type(out.grad_fn).__name__)
    print(t.linalg.qr(x, "r"), t.geqrf(x))
    with warnings.catch_warnings():
        # PyTorch says once in a process that `torch.qr` is deprecated.
        warnings.simplefilter("ignore")
        print(t.qr(x).Q.shape, t.linalg.qr(x).R.shape)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_lines(PROGRAMS[name])
