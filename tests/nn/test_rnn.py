"""Recurrent layers: by their formulas in NumPy, one layer against another, states, weights, graphs."""

from __future__ import annotations

import copy
import io
import warnings
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.ops import recurrent

nn = torch.nn
rnn_utils = nn.utils.rnn
KINDS = ["RNN", "LSTM", "GRU"]
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def numpy_layer(kind: str, x: Any, h: Any, c: Any, weights: list[Any], reverse: bool = False) -> tuple[Any, Any, Any]:
    """One layer in one direction, by the formulas of the documentation."""
    w_ih, w_hh, b_ih, b_hh = weights
    out = np.zeros((*x.shape[:2], h.shape[1]))
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        gi, gh = x[t] @ w_ih.T + b_ih, h @ w_hh.T + b_hh
        if kind == "RNN":
            h = np.tanh(gi + gh)
        elif kind == "LSTM":
            i, f, g, o = np.split(gi + gh, 4, 1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            (r, z, n), (hr, hz, hn) = np.split(gi, 3, 1), np.split(gh, 3, 1)
            r, z = sigmoid(r + hr), sigmoid(z + hz)
            h = (1 - z) * np.tanh(n + r * hn) + z * h
        out[t] = h
    return out, h, c


def made(kind: str, *args: Any, **options: Any) -> Any:
    torch.manual_seed(0)
    return getattr(nn, kind)(*args, **options).double()


def drawn(*shape: int, seed: int = 0, grad: bool = False) -> Any:
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape), requires_grad=grad)


def hidden(kind: str, *shape: int, grad: bool = False) -> Any:
    h = drawn(*shape, seed=1, grad=grad)
    return (h, drawn(*shape, seed=2, grad=grad)) if kind == "LSTM" else h


def flat(found: Any) -> list[Any]:
    return [one for f in found for one in flat(f)] if isinstance(found, tuple) else [found]


def close(a: Any, b: Any, tolerance: float = 1e-12) -> None:
    for one, other in zip(flat(a), flat(b), strict=True):
        np.testing.assert_allclose(one.detach().numpy(), np.asarray(other.detach()), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_two_layers_both_ways_by_the_formulas(kind: str) -> None:
    layer = made(kind, 3, 4, 2, bidirectional=True)
    x, hx = drawn(5, 2, 3), hidden(kind, 4, 2, 4)
    starts = [s.numpy() for s in flat(hx)]
    weights = [[w.detach().numpy() for w in one] for one in layer.all_weights]
    input, lasts = x.numpy(), []
    for number in range(2):
        both = []
        for way in range(2):
            at = 2 * number + way
            out, h, c = numpy_layer(kind, input, starts[0][at], starts[-1][at], weights[at], way == 1)
            both.append(out)
            lasts.append((h, c))
        input = np.concatenate(both, -1)
    out, last = layer(x, hx)
    np.testing.assert_allclose(out.detach().numpy(), input, rtol=1e-12, atol=1e-12)
    for i, state in enumerate(flat(last)):
        np.testing.assert_allclose(state.detach().numpy(), np.stack([one[i] for one in lasts]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", recurrent.CELLS)
def test_the_operation_equals_its_steps(cell: str, reverse: bool) -> None:
    """The whole sequence at once and the composed steps: results and gradients, of rows of several lengths too."""
    gates = {"lstm": 4, "gru": 3}.get(cell, 1)
    for sizes, shape in (([3, 3, 3], (9, 2)), ([3, 2, 2, 1], (8, 2)), ([2], (2, 2))):
        batch = sizes[0]
        states = tuple(drawn(batch, 4, seed=i, grad=True) for i in range(2 if cell == "lstm" else 1))
        shapes = [(gates * 4, 2), (gates * 4, 4), (gates * 4,), (gates * 4,)]
        weights: list[Any] = [drawn(*s, seed=9 + i, grad=True) for i, s in enumerate(shapes)]
        weights += [None] * (cell == "lstm")
        x = drawn(*shape, grad=True)
        whole = recurrent.layer(cell, x, sizes, reverse, states, tuple(weights))
        operation = recurrent.CELLS[cell][1]
        steps = recurrent.composed(operation.step, x, states, (*weights[:4], None), sizes, reverse)
        close(tuple(whole), tuple(steps))
        leaves = [x, *states, *weights[:4]]
        grads = [torch.autograd.grad(sum((o * o).sum() for o in found), leaves) for found in (whole, steps)]
        close(tuple(grads[0]), tuple(grads[1]), 1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("both_ways", [False, True])
def test_packed_sequences_equal_each_alone(kind: str, both_ways: bool) -> None:
    layer = made(kind, 3, 4, 2, bidirectional=both_ways)
    lengths = [2, 5, 1, 4]
    sequences = [drawn(n, 3, seed=n) for n in lengths]
    hx = hidden(kind, 4 if both_ways else 2, 4, 4)
    out, last = layer(rnn_utils.pack_sequence(sequences, enforce_sorted=False), hx)
    for i, found in enumerate(rnn_utils.unpack_sequence(out)):
        own = tuple(s[:, i] for s in hx) if kind == "LSTM" else hx[:, i]
        alone, own_last = layer(sequences[i], own)
        close(found, alone)
        close(tuple(s[:, i] for s in flat(last)), tuple(flat(own_last)))


@pytest.mark.parametrize("kind", KINDS)
def test_batch_first_one_sequence_and_no_state(kind: str) -> None:
    x = drawn(5, 2, 3)
    plain, first = made(kind, 3, 4), made(kind, 3, 4, batch_first=True)
    out, last = plain(x)
    swapped, last_first = first(x.transpose(0, 1))
    close(out, swapped.transpose(0, 1))
    close(last, last_first)
    zeros = torch.zeros(1, 2, 4, dtype=torch.float64)
    close(plain(x), plain(x, (zeros, zeros) if kind == "LSTM" else zeros))
    alone, alone_last = plain(x[:, 1])
    close(alone, out[:, 1])
    close(alone_last, tuple(s[:, 1] for s in flat(last)) if kind == "LSTM" else last[:, 1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [False, True])
def test_a_cell_without_a_graph_equals_one_with(kind: str, bias: bool) -> None:
    cell = made(f"{kind}Cell", 3, 4, bias=bias)
    for x, hx in (
        (drawn(2, 3), hidden(kind, 2, 4)),
        (drawn(3, 5).T[:, ::1][:5], hidden(kind, 5, 4)),
        (drawn(3), hidden(kind, 4)),
        (drawn(0, 3), hidden(kind, 0, 4)),
    ):
        wanted = cell(x, hx)
        with torch.no_grad():
            found = cell(x, hx)
        close(found, wanted)
        assert all(w.requires_grad and not f.requires_grad for f, w in zip(flat(found), flat(wanted), strict=True))
        with torch.inference_mode():
            assert all(f.is_inference() for f in flat(cell(x, hx)))


@pytest.mark.parametrize("kind", KINDS)
def test_cells_equal_layers(kind: str) -> None:
    layer, cell = made(kind, 3, 4), made(f"{kind}Cell", 3, 4)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    x, hx = drawn(5, 2, 3), hidden(kind, 1, 2, 4)
    out, _ = layer(x, hx)
    state = tuple(s[0] for s in hx) if kind == "LSTM" else hx[0]
    for t in range(5):
        state = cell(x[t], state)
        close(state[0] if kind == "LSTM" else state, out[t])


def test_a_sequence_in_parts_equals_the_whole() -> None:
    layer = made("LSTM", 3, 4, 2, proj_size=2)
    x = drawn(6, 2, 3)
    out, last = layer(x)
    first, state = layer(x[:2])
    second, state = layer(x[2:], state)
    close(torch.cat([first, second]), out)
    close(state, last)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_what_is_needed_only(kind: str) -> None:
    layer = made(kind, 3, 4)
    x = drawn(4, 2, 3, grad=True)
    hx = hidden(kind, 1, 2, 4, grad=True)
    everything = [x, *flat(hx), *layer.parameters()]
    full = torch.autograd.grad(layer(x, hx)[0].square().sum(), everything)
    for at, leaf in enumerate(everything):
        for other in everything:
            other.requires_grad_(other is leaf)
        (alone,) = torch.autograd.grad(layer(x, hx)[0].square().sum(), leaf)
        close(alone, full[at])
        layer.zero_grad()


def test_results_may_be_written_into() -> None:
    """No result shares memory with what backward keeps."""
    for kind in KINDS:
        layer = made(kind, 3, 4)
        x = drawn(4, 2, 3, grad=True)
        out, last = layer(x)
        (expected,) = torch.autograd.grad(out.sum() * 2 + flat(last)[0].sum(), x)
        out, last = layer(x)
        out.mul_(2)
        changed = flat(last)[0] * 1
        with torch.no_grad():
            for one in flat(last):
                one.fill_(7)
        (found,) = torch.autograd.grad(out.sum() + changed.sum(), x)
        close(found, expected)


def test_backward_twice_and_after_changes() -> None:
    layer = made("GRU", 3, 4)
    x = drawn(4, 2, 3, grad=True)
    out = layer(x)[0]
    (first,) = torch.autograd.grad(out.sum(), x, retain_graph=True)
    (second,) = torch.autograd.grad(out.sum(), x)
    close(first, second)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        torch.autograd.grad(out.sum(), x)
    out = layer(x)[0]
    with torch.no_grad():
        layer.weight_hh_l0.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_one_tensor_in_two_places() -> None:
    layer = made("LSTM", 3, 4)
    x, state = drawn(4, 2, 3), drawn(1, 2, 4, grad=True)
    out = layer(x, (state, state))[0].sum()
    (both,) = torch.autograd.grad(out, state, create_graph=True)
    h, c = state.detach().requires_grad_(), state.detach().requires_grad_()
    close(both, sum(torch.autograd.grad(layer(x, (h, c))[0].sum(), [h, c])))
    assert both.requires_grad


def test_dropout_is_between_layers_in_training_only() -> None:
    layer = made("GRU", 3, 4, 2, dropout=1.0)
    x = drawn(5, 2, 3)
    assert not layer(x)[1][1].equal(layer.eval()(x)[1][1])
    close(layer.train()(x)[1][0], layer.eval()(x)[1][0])
    state = torch.get_rng_state()
    layer(x)
    assert torch.get_rng_state().equal(state)
    layer.train().dropout = 0.5
    layer(x)
    assert not torch.get_rng_state().equal(state)


@pytest.mark.parametrize(
    ("kind", "options"), [("LSTM", {"proj_size": 2}), ("GRU", {}), ("RNN", {"nonlinearity": "relu"})]
)
def test_saved_states(kind: str, options: dict[str, Any]) -> None:
    layer = getattr(nn, kind)(3, 4, 2, bidirectional=True, **options)
    x = torch.ones(5, 2, 3)
    for again in (copy.deepcopy(layer), saved(layer)):
        assert repr(again) == repr(layer)
        assert all(a is b for a, b in zip(again._flat_weights, again.parameters(), strict=True))
        assert again(x)[0].equal(layer(x)[0])
    other = getattr(nn, kind)(3, 4, 2, bidirectional=True, **options)
    assert not other(x)[0].equal(layer(x)[0])
    other.load_state_dict(layer.state_dict())
    assert other(x)[0].equal(layer(x)[0])


def saved(layer: Any) -> Any:
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def test_new_weights_are_used() -> None:
    layer = nn.RNN(2, 2)
    x = torch.ones(1, 1, 2)
    layer.bias_hh_l0 = nn.Parameter(torch.full((2,), 100.0))
    assert layer(x)[0].min() > 0.99
    layer.to(torch.float64)
    assert layer(x.double())[0].dtype is torch.float64
    layer.requires_grad_(False)
    assert not layer(x.double())[0].requires_grad


@pytest.mark.parametrize("kind", KINDS)
def test_weights_need_not_be_contiguous(kind: str) -> None:
    layer = made(kind, 3, 4)
    x = drawn(5, 2, 3)
    expected = layer(x)[0]
    for name, value in layer.state_dict().items():
        if value.ndim == 2:
            setattr(layer, name, nn.Parameter(value.t().contiguous().t()))
    close(layer(x)[0], expected)


def test_nearly_closed_gates_keep_their_digits() -> None:
    """σ(-20) is 2e-9 and not the rounding error of ½ + ½ tanh(-10)."""
    cell = torch.full((1, 1, 1), 1.0)
    weights = [torch.zeros(4, 1), torch.zeros(4, 1), torch.tensor([-200.0, -20.0, 0.0, 100.0]), torch.zeros(4)]
    c = torch.lstm(torch.zeros(1, 1, 1), (torch.zeros(1, 1, 1), cell), weights, True, 1, 0.0, False, False, False)[2]
    np.testing.assert_allclose(c.item(), sigmoid(-20.0), rtol=1e-6)
    update = [torch.zeros(3, 1), torch.zeros(3, 1), torch.tensor([0.0, -20.0, 0.0]), torch.zeros(3)]
    h = torch.gru(torch.zeros(1, 1, 1), cell, update, True, 1, 0.0, False, False, False)[1]
    np.testing.assert_allclose(h.item(), sigmoid(-20.0), rtol=1e-6)


def test_initial_law() -> None:
    layer = nn.LSTM(30, 25, 2)
    for parameter in layer.parameters():
        assert -0.2 <= parameter.min() < -0.15 and 0.15 < parameter.max() <= 0.2


def test_dropout_of_one_layer_warns() -> None:
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last recurrent layer"):
        nn.LSTM(3, 4, dropout=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.LSTM(3, 4, 2, dropout=0.5)


def test_apply_permutation_is_deprecated() -> None:
    with pytest.warns(FutureWarning, match="deprecated"):
        moved = torch.nn.modules.rnn.apply_permutation(torch.arange(4).reshape(1, 4), torch.tensor([3, 1]))
    assert moved.tolist() == [[3, 1]]


def test_functions_check_their_arguments() -> None:
    params = list(nn.GRU(3, 4).parameters())
    x, h = torch.ones(5, 2, 3), torch.zeros(1, 2, 4)
    out = torch.gru(x, h, params, True, 1, 0.0, False, False, False)[0]
    named = torch.gru(
        input=x, hx=h, params=params, has_biases=True, num_layers=1, dropout=0, train=False, bidirectional=False,
        batch_first=False,
    )  # fmt: skip
    assert named[0].equal(out)
    rows = torch.gru(x.reshape(10, 3), torch.tensor([2] * 5), h, params, True, 1, 0.0, False, False)[0]
    assert rows.reshape(5, 2, 4).equal(out)
    with pytest.raises(
        TypeError, match=r"(?s)gru\(\) received an invalid combination .* \* \(Tensor data, Tensor batch_sizes"
    ):
        torch.gru(x, h, params, 1, 1, 0.0, False, False, False)
    for match, call in {
        "batch_sizes can not be empty": lambda: torch.gru(
            x[:0, 0], torch.zeros(0).long(), h, params, True, 1, 0.0, False, False
        ),
        "expected batch_sizes to be 1D": lambda: torch.gru(
            x[0], torch.ones(1, 2).long(), h, params, True, 1, 0.0, False, False
        ),
        "input must have 3 dimensions, got 2": lambda: torch.gru(x[0], h, params, True, 1, 0.0, False, False, False),
        r"Expected hidden\[0\] of shape \(1, 2, hidden_size\)": lambda: torch.gru(
            x, h[:, :1], params, True, 1, 0.0, False, False, False
        ),
        r"expected an RNN parameter of shape \[12, 4\], got \[4, 12\]": lambda: torch.gru(
            x, h, [params[0], params[1].t(), *params[2:]], True, 1, 0.0, False, False, False
        ),
    }.items():
        with pytest.raises(RuntimeError, match=match):
            call()
