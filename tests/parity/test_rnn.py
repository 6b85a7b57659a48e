"""Recurrent layers against PyTorch: what programs print, states and training over several steps, large layers."""

from __future__ import annotations

import copy
import io
import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@program
def reprs(t: Any) -> None:
    nn = t.nn
    for kind in (nn.RNN, nn.LSTM, nn.GRU):
        print(kind(3, 4), kind(3, 4, 2, dropout=0.5, bidirectional=True, batch_first=True, bias=False))
    print(nn.LSTM(3, 4, proj_size=2), nn.RNN(3, 4, 1, "relu"), nn.RNN(3, 4, nonlinearity="relu").nonlinearity)
    print(nn.RNNCell(3, 4), nn.RNNCell(3, 4, False, "relu"), nn.LSTMCell(3, 4), nn.GRUCell(3, 4, bias=False))
    print(nn.RNNBase("GRU", 3, 4), nn.RNNCellBase(3, 4, True, 2), nn.GRU(3, 4, 1, True, True, 0.0, True, 2))
    print(nn.LSTM(3, 4, 2, True, False, 0.5, True, 2), nn.LSTM(True, 4), nn.LSTM(3, 4, bidirectional=2))


def _names(found: Any) -> list[str]:
    tensors = found if isinstance(found, tuple) else (found,)
    flat = [one for t in tensors for one in (t if isinstance(t, tuple) else (t,)) if one is not None]
    return [type(one.grad_fn).__name__ for one in flat if one.is_floating_point()]


@program
def graphs(t: Any) -> None:
    pack = t.nn.utils.rnn.pack_padded_sequence
    for kind, dtype in itertools.product(("RNN", "LSTM", "GRU"), (t.float32, t.float64, t.float16, t.bfloat16)):
        x = t.ones(5, 2, 3, dtype=dtype)
        for options in ({}, {"num_layers": 2}, {"batch_first": True}, {"bidirectional": True}, {"bias": False}):
            out, h = getattr(t.nn, kind)(3, 4, dtype=dtype, **options)(x)
            print(kind, dtype, options, _names((out, h)), out.stride(), out.dtype)
    for kind in ("RNN", "LSTM", "GRU"):
        layer = getattr(t.nn, kind)(3, 4)
        print(_names(layer(t.ones(5, 3))), _names(layer(pack(t.ones(5, 2, 3), [5, 3]))))
        print(_names(layer(t.ones(5, 0, 3))), layer(t.ones(5, 0, 3))[0].shape)
        print(_names(getattr(t.nn, kind + "Cell")(3, 4)(t.ones(2, 3))))
        with t.no_grad():
            out, h = layer(t.ones(5, 2, 3))
            print(out.requires_grad, out.is_contiguous())
    with warnings.catch_warnings():
        # PyTorch warns that oneDNN has no projections.
        warnings.simplefilter("ignore")
        print(_names(t.nn.LSTM(3, 4, proj_size=2)(t.ones(5, 2, 3))))


@program
def double_graphs(t: Any) -> None:
    """One parameter in two places, inputs in the graph, unused results, a graph used twice."""
    layer = t.nn.LSTM(2, 2).double()
    x = t.arange(8.0, dtype=t.float64).reshape(2, 2, 2).requires_grad_()
    start = (x[0] * 0.5).unsqueeze(0)
    out, (h, c) = layer(x * x, (start, start))
    (first,) = t.autograd.grad(c.sum(), x, create_graph=True, retain_graph=True)
    print(first)
    print(t.autograd.grad(first.pow(2).sum(), [x, layer.weight_hh_l0], retain_graph=True))
    print(t.autograd.grad(h.sum(), [x, start], retain_graph=True))
    print(t.autograd.grad(out.sum(), x), first.requires_grad)
    attempt(lambda: t.autograd.grad(out.sum(), x))
    weights = t.ones(2, 2, dtype=t.float64, requires_grad=True)
    out = t.rnn_tanh(
        x.detach() * 0.1, t.zeros(1, 2, 2, dtype=t.float64), [weights, weights], False, 1, 0.0, True, False, False
    )[0]
    (first,) = t.autograd.grad(out.sum(), weights, create_graph=True)
    print(first, t.autograd.grad(first.sum(), weights))
    out = t.nn.GRU(2, 2).double()(x)[0]
    out.mul_(2)
    out.sum().backward()
    print(x.grad)


@program
def options(t: Any) -> None:
    for kind in (t.nn.LSTM, t.nn.GRU):
        layer = kind(3, 4, 1, False, True, 0.0, True)
        print(layer.bias, layer.batch_first, layer.dropout, layer.bidirectional, layer.proj_size, layer.mode)
        print(kind.__constants__, kind.__jit_unused_properties__)
    for cell in (t.nn.RNNCell, t.nn.LSTMCell, t.nn.GRUCell):
        print(cell.__constants__, cell(3, 4, dtype=t.float64, device="cpu").weight_ih.dtype)
    attempt(lambda: t.nn.LSTM(3, 4, dropout=0.5))
    attempt(lambda: t.nn.GRU(3, 4, num_layers=2, dropout=1))
    print(t.nn.LSTM(3, 4, 2, dropout=1).dropout)


@program
def state_of_layers(t: Any) -> None:
    for layer in (
        t.nn.LSTM(2, 3, 2, bidirectional=True, proj_size=1),
        t.nn.GRU(2, 3, bias=False),
        t.nn.RNN(2, 1, 2),
        t.nn.RNNCell(2, 1),
        t.nn.LSTMCell(2, 1, bias=False),
    ):
        print([(key, tuple(value.shape)) for key, value in layer.state_dict().items()])
        print([value.sum() for value in layer.state_dict().values()])
        layer.reset_parameters()
        print([value.sum() for value in layer.parameters()])
    layer = t.nn.LSTM(2, 1)
    attempt(lambda: layer.load_state_dict(t.nn.LSTM(2, 2).state_dict()))
    attempt(lambda: layer.load_state_dict(t.nn.LSTM(2, 1, bias=False).state_dict()))


@program
def weights(t: Any) -> None:
    layer = t.nn.GRU(2, 1, 2, bidirectional=True)
    print([[tuple(w.shape) for w in one] for one in layer.all_weights], len(layer._flat_weights))
    print(layer._flat_weights_names, layer.flatten_parameters())
    layer.weight_hh_l1 = t.nn.Parameter(t.zeros(3, 1))
    print(layer._flat_weights[9] is layer.weight_hh_l1, layer.all_weights[2][1])
    layer.double()
    print(layer._flat_weights[0].dtype, layer(t.ones(2, 1, 2).double())[0].dtype)
    x = t.ones(5, 2, 2)
    print(layer.get_expected_hidden_size(x, None), t.nn.LSTM(2, 3, proj_size=1).get_expected_cell_size(x, None))
    print(layer.get_expected_hidden_size(x[0], t.tensor([2, 1])))
    attempt(lambda: layer.check_input(x, None))
    attempt(lambda: layer.check_hidden_size(x, (1, 2, 3), "{} is wanted, not {}"))
    attempt(lambda: layer.float().check_forward_args(x, t.zeros(4, 2, 2), None))
    print(layer.permute_hidden(t.arange(4.0).reshape(2, 2, 1), t.tensor([1, 0])), layer.permute_hidden(x, None) is x)
    print(
        t.nn.LSTM(2, 1).permute_hidden(
            (t.arange(2.0).reshape(1, 2, 1), t.arange(2.0).reshape(1, 2, 1)), t.tensor([1, 0])
        )
    )


@program
def old_layers(t: Any) -> None:
    """States as pickles of old versions have them."""
    layer = t.nn.LSTM(2, 3, 2, bidirectional=True)
    state = layer.__getstate__()
    print("_flat_weight_refs" in state)
    del state["proj_size"]
    state["all_weights"] = layer.all_weights
    del state["_flat_weights_names"], state["_flat_weights"]
    other = t.nn.LSTM.__new__(t.nn.LSTM)
    other.__setstate__(state)
    print(other, other._flat_weights_names, other._all_weights)
    t.manual_seed(1)
    x = t.randn(4, 2, 2)
    print((other(x)[0] - layer(x)[0]).abs().max())


@program
def functional_calls(t: Any) -> None:
    layer = t.nn.LSTM(2, 1)
    x = t.ones(2, 1, 2)
    with t.no_grad():
        print(layer(x)[0])
        zeros = {name: t.zeros_like(p) for name, p in layer.named_parameters()}
        print(t.nn.utils.stateless._reparametrize_module.__name__)
        with t.nn.utils.stateless._reparametrize_module(layer, zeros):
            print(layer(x)[0])
        print(layer(x)[0])


@program
def weights_made_elsewhere(t: Any) -> None:
    """Weights that hooks, parametrizations, `assign` and `functional_call` put in place."""
    x = t.ones(2, 1, 2)
    layer = t.nn.LSTM(2, 2)
    layer.load_state_dict({name: t.zeros_like(p) for name, p in layer.named_parameters()}, assign=True)
    print(layer(x)[0], layer._flat_weights[0] is layer.weight_ih_l0)
    layer = t.nn.GRU(2, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        t.nn.utils.weight_norm(layer, "weight_hh_l0")
    with t.no_grad():
        layer.weight_hh_l0_g.zero_()
    out = layer(x)[0]
    out.sum().backward()
    print(out, layer.weight_hh_l0_g.grad, layer.weight_hh_l0_v.grad, list(layer.state_dict()))
    layer = t.nn.RNN(2, 2)

    class Double(t.nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, weight: Any) -> Any:
            return weight * 2

    before = layer(x)[0]
    t.nn.utils.parametrize.register_parametrization(layer, "weight_ih_l0", Double())
    out = layer(x)[0]
    out.sum().backward()
    print(before, out, layer.parametrizations.weight_ih_l0.original.grad, list(layer.state_dict()))
    zeros = {name: t.zeros_like(p) for name, p in t.nn.GRU(2, 2).named_parameters()}
    print(t.func.functional_call(t.nn.GRU(2, 2), zeros, (x, t.ones(1, 1, 2)))[0])


@program
def copies(t: Any) -> None:
    layer = t.nn.GRU(2, 2, 2)
    twin = copy.deepcopy(layer)
    print(twin._flat_weights[3] is twin.bias_hh_l0, twin._flat_weights[0] is layer.weight_ih_l0)
    file = io.BytesIO()
    t.save(layer, file)
    file.seek(0)
    again = t.load(file, weights_only=False)
    x = t.ones(3, 1, 2)
    print(again, (again(x)[0] == layer(x)[0]).all(), again._flat_weights[3] is again.bias_hh_l0)
    replica = layer._replicate_for_data_parallel()
    print(replica._flat_weights is layer._flat_weights, replica._flat_weights_names == layer._flat_weights_names)


@program
def deprecated(t: Any) -> None:
    print(t.nn.modules.rnn.apply_permutation(t.arange(4).reshape(1, 4), t.tensor([3, 1])))
    print(t.nn.LSTM.__module__, t.nn.RNNBase.__module__, t.nn.LSTMCell.__module__, t.nn.RNNCellBase.__module__)


@program
def argument_errors(t: Any) -> None:
    for kind in ("LSTM", "GRU", "RNN"):
        layer = getattr(t.nn, kind)(3, 4)
        attempt(lambda: layer(t.zeros(3)))
        attempt(lambda: layer(t.zeros(5, 2, 2)))
        attempt(lambda: layer(t.zeros(5, 2, 3, dtype=t.float64)))
        attempt(lambda: layer(5))
        attempt(lambda: layer(t.zeros(0, 2, 3)))
        attempt(lambda: layer(t.zeros(5, 2, 3), 5))
    lstm = t.nn.LSTM(3, 4)
    attempt(lambda: lstm(t.zeros(5, 2, 3), t.zeros(1, 2, 4)))
    for input, *shapes in (
        ((5, 2, 3), (1, 3, 4), (1, 3, 4)),
        ((5, 2, 3), (1, 2, 4), (1, 2, 3)),
        ((5, 2, 3), (2, 4), (1, 2, 4)),
        ((5, 3), (1, 4), (1, 1, 4)),
        ((5, 3), (2, 4), (2, 4)),
    ):
        attempt(lambda: lstm(t.zeros(input), tuple([t.zeros(s) for s in shapes])))
        attempt(lambda: t.nn.GRU(3, 4)(t.zeros(input), t.zeros(shapes[1])) and None)
    for kind in ("RNNCell", "LSTMCell", "GRUCell"):
        cell = getattr(t.nn, kind)(3, 4)
        for input, state in (
            ((2, 2), (2, 4)),
            ((2, 3), (3, 4)),
            ((2, 3), (2, 5)),
            ((2, 3, 4), (2, 4)),
            ((3,), (2, 4)),
            ((2, 3), (4,)),
        ):
            hx = t.zeros(state)
            attempt(lambda: cell(t.zeros(input), (hx, hx) if kind == "LSTMCell" else hx))
        attempt(lambda: cell(t.zeros(2, 3).double()))
    attempt(lambda: t.lstm_cell(t.zeros(2, 3), 5, t.zeros(16, 3), t.zeros(16, 4)))
    attempt(
        lambda: t.lstm(t.zeros(5, 2, 3), (t.zeros(1, 2, 4),), lstm._flat_weights, True, 1, 0.0, False, False, False)
    )


@program
def modes_and_signatures(t: Any) -> None:
    import inspect

    for name in sorted(t.nn.modules.rnn.__all__):
        kind = getattr(t.nn, name)
        for function in (kind.__init__, kind.forward):
            parameters = inspect.signature(function).parameters.values()
            print(name, [(p.name, p.default, p.kind) for p in parameters if p.default is not t.nn.Module.forward])


@program
def complex_and_integer(t: Any) -> None:
    """PyTorch composes, so it takes every type that multiplies."""
    x = t.arange(6.0).reshape(3, 1, 2)
    w = [t.ones(2, 2) * 0.1, t.eye(2) * 0.5, t.ones(2), t.zeros(2)]
    for kind in (t.complex64, t.complex128):
        out, h = t.rnn_tanh(
            x.to(kind) * 1j, t.zeros(1, 1, 2, dtype=kind), [p.to(kind) for p in w], True, 1, 0.0, False, False, False
        )
        print(out, h.dtype)
    whole = [t.tensor([[1, 2], [0, 1]]), t.tensor([[1, 0], [1, 1]]), t.tensor([1, -2]), t.tensor([0, 0])]
    print(t.rnn_relu(x.long(), t.zeros(1, 1, 2).long(), whole, True, 1, 0.0, False, False, False))
    print(t.nn.RNN(2, 1, dtype=t.complex64)(x.to(t.complex64))[0].shape)


@program
def dropout_draws(t: Any) -> None:
    """What is drawn, how often, and when nothing is."""
    pack = t.nn.utils.rnn.pack_padded_sequence
    x = t.ones(3, 2, 2)
    for options in ({}, {"bidirectional": True}, {"batch_first": True}):
        layer = t.nn.GRU(2, 4, 3, dropout=0.25, **options)
        t.manual_seed(5)
        print(layer(x)[1].sum(), t.rand(1))
        t.manual_seed(5)
        print(layer(pack(x, [3, 2], batch_first=False) if not options else x)[1].sum(), t.rand(1))
        layer.eval()
        t.manual_seed(5)
        print(layer(x)[1].sum(), t.rand(1))


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    same_lines(PROGRAMS[name])


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_large_layers(kind: str) -> None:
    """Sizes at which PyTorch and the compiled kernels go other ways than for a few numbers."""
    options: dict[str, Any] = {"num_layers": 2, "bidirectional": True, "batch_first": True}
    both = []
    for t in (rushlight, torch):
        t.manual_seed(0)
        layer = getattr(t.nn, kind)(33, 40, **options)
        x = t.tensor(np.random.default_rng(0).standard_normal((17, 21, 33)).astype(np.float32), requires_grad=True)
        lengths = t.tensor([21 - i for i in range(17)])
        packed = t.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        results = []
        for input in (x, packed):
            out, h = layer(input)
            out = out.data if isinstance(out, tuple) else out
            last = h[0] if isinstance(h, tuple) else h
            loss = (out * out).mean() + last.sum()
            found = t.autograd.grad(loss, [x, *layer.parameters()])
            results += [v.detach().numpy() for v in (out, last, *found)]
        both.append(results)
    for ours, theirs in zip(*both, strict=True):
        scale = max(1.0, float(np.abs(theirs).max()))
        np.testing.assert_allclose(ours / scale, theirs / scale, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_has_the_same_losses(kind: str, dtype: str) -> None:
    """A few steps of Adam on sequences of several lengths, with dropout and a state carried from step to step."""

    def losses(t: Any) -> list[float]:
        t.manual_seed(3)
        layer = getattr(t.nn, kind)(4, 8, 2, dropout=0.2, dtype=getattr(t, dtype))
        head = t.nn.Linear(8, 2, dtype=getattr(t, dtype))
        parameters = [*layer.parameters(), *head.parameters()]
        optimizer = t.optim.Adam(parameters, lr=0.02)
        rnn = t.nn.utils.rnn
        found, hx = [], None
        for step in range(12):
            rng = np.random.default_rng(step)
            sequences = [t.tensor(rng.standard_normal((n, 4)).astype(dtype)) for n in (3, 6, 5)]
            out, hx = layer(rnn.pack_sequence(sequences, enforce_sorted=False), hx)
            hx = tuple([one.detach() for one in hx]) if isinstance(hx, tuple) else hx.detach()
            padded, lengths = rnn.pad_packed_sequence(out, batch_first=True)
            last = padded[t.arange(3), lengths - 1]
            loss = t.nn.functional.cross_entropy(head(last), t.tensor([0, 1, step % 2]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    tolerance = 1e-9 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(losses(rushlight), losses(torch), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"])
def test_each_library_loads_the_other_s_layer(kind: str) -> None:
    for first, second in ((rushlight, torch), (torch, rushlight)):
        layer, file = getattr(first.nn, kind)(3, 4), io.BytesIO()
        first.save(layer, file)
        file.seek(0)
        other = second.load(file, weights_only=False)
        assert repr(other) == repr(layer)
        x = np.ones((2, 3), np.float32)
        ours, theirs = layer(first.tensor(x)), other(second.tensor(x))
        while isinstance(ours, tuple):
            ours, theirs = ours[0], theirs[0]
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), atol=1e-6)
