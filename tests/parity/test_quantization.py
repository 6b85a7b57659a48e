"""Quantization against PyTorch's (FBGEMM): the same programs on both, codes within one step, all else alike."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

# PyTorch warns that it will drop quantized tensors, and both that reduce_range will go.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")

NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")
Notes = list[tuple[str, Any]]


@pytest.fixture(autouse=True)
def engine() -> Iterator[None]:
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = "fbgemm"
    yield
    torch.backends.quantized.engine = before


def flat(name: str, value: Any) -> Notes:
    """What a program noted, as text and arrays."""
    if isinstance(value, tuple | list):
        return [entry for i, each in enumerate(value) for entry in flat(f"{name}[{i}]", each)]
    if not hasattr(value, "detach"):
        text = repr(value).replace("rushlight.", "torch.")
        return [(name, re.sub(r"0x[0-9a-f]+", "0x", text))]
    if not value.is_quantized:
        return [(name, value.detach().float().numpy().copy())]
    scheme = str(value.qscheme())
    if "channel" in scheme:
        about = [each.numpy().copy() for each in (value.q_per_channel_scales(), value.q_per_channel_zero_points())]
    else:
        about = [np.array([value.q_scale(), value.q_zero_point()])]
    return [(name, scheme), *((name, each) for each in about), (name, value.int_repr().numpy())]


def agree(name: str, ours: Any, theirs: Any) -> None:
    assert type(ours) is type(theirs), name
    if isinstance(ours, str):
        assert NUMBER.sub("#", ours) == NUMBER.sub("#", theirs), name
        for a, b in zip(NUMBER.findall(ours), NUMBER.findall(theirs), strict=True):
            assert float(a) == pytest.approx(float(b), rel=1e-4, abs=1e-4), name
    elif ours.dtype.kind in "iu":
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape, name
        assert np.abs(ours.astype(np.int64) - theirs.astype(np.int64)).max(initial=0) <= 1, name
    else:
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5, err_msg=name)


def same(program: Callable[[Any, Callable[[str, Any], None]], None]) -> None:
    """Run a program on both libraries and compare what it notes."""
    found = []
    for library in (rushlight, torch):
        notes: Notes = []
        library.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program(library, lambda name, value, notes=notes: notes.extend(flat(name, value)))
        found.append(notes)
    assert [name for name, _ in found[0]] == [name for name, _ in found[1]]
    for (name, ours), (_, theirs) in zip(*found, strict=True):
        agree(name, ours, theirs)


@pytest.mark.parametrize("size", [1, 3, 7, 8, 33, 1000])
@pytest.mark.parametrize("seed", range(4))
def test_codes_are_equal_to_the_last(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scale = float(np.float32(rng.choice([0.1, 0.05, 0.01, 0.3, 0.7])))
    zero = int(rng.integers(0, 100))
    # Halves, where the rounding shows.
    x = ((rng.integers(-300, 300, size) + 0.5) * scale).astype(np.float32)
    for kind in ("quint8", "qint8", "qint32"):
        codes = [
            t.quantize_per_tensor(t.tensor(x), scale, zero, getattr(t, kind)).int_repr().numpy()
            for t in (rushlight, torch)
        ]
        np.testing.assert_array_equal(*codes)
    for zeros in ([zero], [zero + 0.25]):
        made = [
            t.quantize_per_channel(t.tensor(x)[None], t.tensor([scale]), t.tensor(zeros), 0, t.quint8)
            for t in (rushlight, torch)
        ]
        np.testing.assert_array_equal(*(q.int_repr().numpy() for q in made))
        np.testing.assert_allclose(*(q.dequantize().numpy() for q in made), rtol=1e-6)
    for reduce_range in (False, True):
        made = [t.quantize_per_tensor_dynamic(t.tensor(x), t.quint8, reduce_range) for t in (rushlight, torch)]
        assert made[0].q_scale() == made[1].q_scale() and made[0].q_zero_point() == made[1].q_zero_point()
        np.testing.assert_array_equal(*(q.int_repr().numpy() for q in made))


PRINTED = [
    lambda t, x: t.quantize_per_tensor(x, 0.1, 10, t.quint8),
    lambda t, x: t.quantize_per_channel(x, t.tensor([0.1, 0.2]), t.tensor([0, 1]), 0, t.qint8),
    lambda t, x: t.quantize_per_channel(x, t.tensor([0.1, 0.2]), t.tensor([0.5, 1.0]), 0, t.quint8),
    lambda t, x: t.quantize_per_tensor(x[:0], 0.1, 0, t.qint8),
    lambda t, x: t.quantize_per_tensor(x, 0.1, 10, t.quint8)[0, 0],
    lambda t, x: t.nn.Parameter(t.quantize_per_tensor(x, 0.1, 10, t.quint8), requires_grad=False),
    lambda t, x: (t.per_tensor_affine, t.per_channel_symmetric, t.qint8, t.quint8, t.qint32),
]


@pytest.mark.parametrize("make", PRINTED)
def test_printing(make: Any) -> None:
    texts = []
    for t in (rushlight, torch):
        x = t.tensor([[0.5, -1.0, 2.3], [0.05, 0.15, -0.25]])
        texts.append(repr(make(t, x)))
    assert texts[0] == texts[1]


def test_moving_about() -> None:
    def program(t: Any, note: Any) -> None:
        q = t.quantize_per_tensor(t.randn(2, 3, 4), 0.1, 60, t.quint8)
        note(
            "views",
            [
                q[0],
                q[:, 1:],
                q.permute(2, 0, 1),
                q.reshape(6, 4),
                t.flatten(q, 1),
                q.unsqueeze(0),
                q.t_() if False else q.transpose(0, 1),
                q.clone(),
                q.contiguous(),
                q.detach(),
                q[t.tensor([1, 0])],
            ],
        )
        other = t.quantize_per_tensor(t.randn(2, 3, 4), 0.05, 10, t.quint8)
        note("joined", [t.cat([q, q], 1), t.stack([q, q]), t.cat([q, other])])
        note("compared", [q == q, q < other, t.equal(q, other)])
        target = q.clone()
        note("written", [target.copy_(t.ones(2, 3, 4)), t.nn.functional.pad(q, (1, 1)), q.masked_fill(q == q, 1.0)])
        target[0] = 0.5
        note("set", target)

    same(program)


def test_activations_and_pooling_of_codes() -> None:
    def program(t: Any, note: Any) -> None:
        F = t.nn.functional
        q = t.quantize_per_tensor(t.randn(2, 3, 6, 6) * 2, 0.05, 64, t.quint8)
        note(
            "activations",
            [
                t.relu(q),
                F.relu6(q),
                F.hardtanh(q),
                F.leaky_relu(q, 0.1),
                t.sigmoid(q),
                t.tanh(q),
                F.hardsigmoid(q),
                F.gelu(q),
                q.clamp(-1, 1),
                F.threshold(q, 0.3, 1.0),
                F.relu(q.clone(), inplace=True),
                t.nn.ReLU(inplace=True)(q.clone()),
            ],
        )
        note(
            "pools",
            [
                F.max_pool2d(q, 2),
                F.max_pool2d(q, 3, 2, 1),
                F.avg_pool2d(q, 2),
                F.avg_pool2d(q, 3, 1, 1),
                F.adaptive_avg_pool2d(q, 1),
                F.adaptive_avg_pool2d(q, 4),
                q.mean([2, 3]),
                F.max_pool1d(q[0], 2),
            ],
        )
        note("resampled", [F.interpolate(q, scale_factor=2), F.interpolate(q, scale_factor=2, mode="bilinear")])
        signed = t.quantize_per_tensor(t.randn(9), 0.05, -3, t.qint8)
        note("signed", [t.relu(signed), t.sigmoid(signed), t.tanh(signed)])

    same(program)


REFUSED = [
    lambda t, q, x: t.quantize_per_tensor(x, 0.1, 300, t.quint8),
    lambda t, q, x: t.quantize_per_tensor(x, 0.1, 3, t.int8),
    lambda t, q, x: t.quantize_per_tensor(x.double(), 0.1, 3, t.qint8),
    lambda t, q, x: t.quantize_per_tensor(q, 0.1, 3, t.qint8),
    lambda t, q, x: t.quantize_per_channel(x, t.tensor([0.1]), t.tensor([0, 1]), 0, t.qint8),
    lambda t, q, x: t.quantize_per_channel(x, t.tensor([0.1, 0.2, 0.3]), t.tensor([0, 1, 2]), 0, t.qint8),
    lambda t, q, x: t.quantize_per_channel(x, t.tensor([0.1, 0.2]), t.tensor([0, 1]), 3, t.qint8),
    lambda t, q, x: x.int_repr(),
    lambda t, q, x: x.q_scale(),
    lambda t, q, x: x.qscheme(),
    lambda t, q, x: q.q_per_channel_scales(),
    lambda t, q, x: q + q,
    lambda t, q, x: q * q,
    lambda t, q, x: q @ q.t(),
    lambda t, q, x: q.exp(),
    lambda t, q, x: q.sum(),
    lambda t, q, x: q.softmax(0),
    lambda t, q, x: t.nn.functional.elu(q),
    lambda t, q, x: q.nonzero(),
    lambda t, q, x: t.where(q == q, q, q),
    lambda t, q, x: t.zeros_like(q),
    lambda t, q, x: q.tolist(),
    lambda t, q, x: q.numpy(),
    lambda t, q, x: q.float(),
    lambda t, q, x: q.requires_grad_(),
    lambda t, q, x: x.clone().copy_(q),
    lambda t, q, x: t.promote_types(t.qint8, t.float32),
]


@pytest.mark.parametrize("call", REFUSED)
def test_what_is_refused(call: Any) -> None:
    kinds = []
    for t in (rushlight, torch):
        x = t.ones(2, 3)
        q = t.quantize_per_tensor(x, 0.1, 3, t.quint8)
        with pytest.raises(Exception) as caught:
            call(t, q, x)
        kinds.append(type(caught.value))
    assert kinds[0] is kinds[1]


def test_fake_quantization_and_its_gradients() -> None:
    def program(t: Any, note: Any) -> None:
        x = t.randn(3, 5, requires_grad=True)
        scale, zero = t.tensor([0.1, 0.02, 0.3]), t.tensor([3, 0, 5], dtype=t.int32)
        for name, out in (
            ("tensor", t.fake_quantize_per_tensor_affine(x, 0.05, 3, 0, 63)),
            ("tensors", t.fake_quantize_per_tensor_affine(x, scale[:1], zero[:1], 0, 63)),
            ("channel", t.fake_quantize_per_channel_affine(x, scale, zero, 0, 0, 63)),
            ("float zero", t.fake_quantize_per_channel_affine(x, scale, zero.float() + 0.25, 0, 0, 63)),
            ("double", t.fake_quantize_per_tensor_affine(x.double(), 0.05, 3, 0, 63)),
        ):
            note(name, [out, t.autograd.grad(out.sum(), x)[0], type(out.grad_fn).__name__])

    same(program)


@pytest.mark.parametrize("per_row", [False, True])
@pytest.mark.parametrize("symmetric", [False, True])
def test_the_fused_step(per_row: bool, symmetric: bool) -> None:
    def program(t: Any, note: Any) -> None:
        inf = float("inf")
        low, high = (t.tensor([]), t.tensor([])) if per_row else (t.tensor(inf), t.tensor(-inf))
        scale, zero = t.tensor([1.0]), t.tensor([0], dtype=t.int32)
        on = t.tensor([1])
        bounds = (-128, 127) if symmetric else (0, 255)
        for i in range(3):
            x = (t.randn(4, 6) * (i + 1)).requires_grad_()
            out = t.fused_moving_avg_obs_fake_quant(
                x, on, on, low, high, scale, zero, 0.01, *bounds, 0, per_row, symmetric
            )
            note("out", [out, low, high, scale, zero, t.autograd.grad(out.sum(), x)[0], type(out.grad_fn).__name__])

    same(program)


OBSERVERS: dict[str, Callable[[Any, Any], Any]] = {
    "min max": lambda t, Q: Q.MinMaxObserver(),
    "min max signed": lambda t, Q: Q.MinMaxObserver(dtype=t.qint8, qscheme=t.per_tensor_symmetric),
    "min max reduced": lambda t, Q: Q.MinMaxObserver(reduce_range=True),
    "symmetric unsigned": lambda t, Q: Q.MinMaxObserver(qscheme=t.per_tensor_symmetric),
    "own bounds": lambda t, Q: Q.MinMaxObserver(qscheme=t.per_tensor_symmetric, quant_min=0, quant_max=127),
    "moving": lambda t, Q: Q.MovingAverageMinMaxObserver(averaging_constant=0.3),
    "channels": lambda t, Q: Q.PerChannelMinMaxObserver(ch_axis=1),
    "channels signed": lambda t, Q: Q.PerChannelMinMaxObserver(dtype=t.qint8, qscheme=t.per_channel_symmetric),
    "channels of floats": lambda t, Q: Q.default_float_qparams_observer(),
    "moving channels": lambda t, Q: Q.MovingAveragePerChannelMinMaxObserver(averaging_constant=0.3),
    "histogram": lambda t, Q: Q.HistogramObserver(bins=128),
    "histogram reduced": lambda t, Q: Q.HistogramObserver(reduce_range=True),
    "fixed": lambda t, Q: Q.FixedQParamsObserver(0.1, 3),
    "fake": lambda t, Q: Q.FakeQuantize(quant_min=0, quant_max=255),
    "fake channels": lambda t, Q: Q.default_per_channel_weight_fake_quant(),
    "fake fixed": lambda t, Q: Q.default_fixed_qparams_range_0to1_fake_quant(),
    "fused": lambda t, Q: Q.default_fused_act_fake_quant(),
    "fused channels": lambda t, Q: Q.default_fused_per_channel_wt_fake_quant(),
    "fused narrow": lambda t, Q: Q.fused_wt_fake_quant_range_neg_127_to_127(),
}


@pytest.mark.parametrize("name", OBSERVERS)
def test_observers(name: str) -> None:
    def program(t: Any, note: Any) -> None:
        observer = OBSERVERS[name](t, t.ao.quantization)
        note("before", observer)
        for i in range(4):
            note("seen", observer(t.randn(3, 4) * (i + 1) + 0.5))
            note("parameters", observer.calculate_qparams())
        note("after", observer)
        note("state", [[key, value] for key, value in observer.state_dict().items()])
        other = OBSERVERS[name](t, t.ao.quantization)
        other.load_state_dict(observer.state_dict())
        note("loaded", other.calculate_qparams())

    same(program)


QCONFIGS = ["default_dynamic_qconfig", "per_channel_dynamic_qconfig", "float16_dynamic_qconfig"]


@pytest.mark.parametrize("qconfig", QCONFIGS)
def test_dynamic_linear(qconfig: str) -> None:
    def program(t: Any, note: Any) -> None:
        Q, nn = t.ao.quantization, t.nn
        model = nn.Sequential(nn.Linear(17, 33), nn.ReLU(), nn.Linear(33, 5, bias=False))
        made = Q.quantize_dynamic(model, {nn.Linear: getattr(Q, qconfig)})
        note("model", made)
        note("out", [made(t.randn(7, 17)), made(t.randn(2, 3, 17)), made(t.zeros(2, 17)), made(t.ones(1, 17))])
        note("state", [[key, value] for key, value in made.state_dict().items() if "params" not in key])
        note("weight", [made[0].weight(), made[0].bias()])

    same(program)


def test_dynamic_recurrent() -> None:
    def program(t: Any, note: Any) -> None:
        Q, nn = t.ao.quantization, t.nn
        for model, shape in (
            (nn.LSTM(4, 5, num_layers=2, bidirectional=True), (6, 3, 4)),
            (nn.GRU(4, 5, 2, batch_first=True), (3, 6, 4)),
        ):
            for dtype in (t.qint8, t.float16):
                made = Q.quantize_dynamic(nn.Sequential(model), {nn.LSTM, nn.GRU}, dtype=dtype)[0]
                x = t.randn(*shape)
                note("model", [made, made(x), list(made.state_dict()), made(x, made(x)[1])])
                note("weights", list(made.get_weight()))
        for cell in (nn.LSTMCell(4, 3), nn.GRUCell(4, 3), nn.RNNCell(4, 3), nn.RNNCell(4, 3, nonlinearity="relu")):
            made = Q.quantize_dynamic(nn.Sequential(cell))[0]
            note("cell", [made, made(t.randn(2, 4)), list(made.state_dict())])
        made = Q.quantize_dynamic(nn.Sequential(nn.LSTM(4, 5, bidirectional=True)))[0]
        packed = nn.utils.rnn.pack_padded_sequence(t.randn(6, 3, 4), t.tensor([2, 6, 4]), enforce_sorted=False)
        out, hidden = made(packed)
        note("packed", [out.data, hidden])

    same(program)


DYNAMIC: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "Conv1d": (lambda nn: nn.Conv1d(3, 4, 3, padding=1), (2, 3, 9)),
    "Conv2d": (lambda nn: nn.Conv2d(4, 3, 3, padding=2, stride=2, bias=False), (2, 4, 6, 6)),
    "Conv3d": (lambda nn: nn.Conv3d(2, 3, 2), (1, 2, 4, 4, 4)),
    "ConvTranspose1d": (lambda nn: nn.ConvTranspose1d(3, 2, 3), (2, 3, 5)),
    "ConvTranspose2d": (lambda nn: nn.ConvTranspose2d(4, 2, 3, stride=2), (2, 4, 3, 3)),
}


@pytest.mark.parametrize("name", DYNAMIC)
def test_dynamic_convolutions(name: str) -> None:
    def program(t: Any, note: Any) -> None:
        make, shape = DYNAMIC[name]
        layer = make(t.nn)
        layer.qconfig = t.ao.quantization.default_dynamic_qconfig
        made = getattr(t.ao.nn.quantized.dynamic, name).from_float(layer)
        note("layer", [made, made(t.randn(*shape)), made(t.randn(*shape), reduce_range=False)])

    same(program)


def test_embeddings() -> None:
    def program(t: Any, note: Any) -> None:
        Q, nn = t.ao.quantization, t.nn
        made = Q.quantize_dynamic(nn.Sequential(nn.Embedding(10, 8)), dtype=t.quint8)
        note("embedding", [made, made(t.tensor([[1, 2], [9, 0]])), made[0].weight(), list(made.state_dict())])
        made = Q.quantize_dynamic(nn.Sequential(nn.EmbeddingBag(10, 8)), dtype=t.quint8)
        bags = [made[0](t.tensor([1, 2, 9, 0]), t.tensor([0, 1])), made[0](t.tensor([[1, 2], [9, 0]]))]
        note("bag", [made, *bags])

    same(program)


def network(t: Any, groups: int) -> Any:
    nn, Q = t.nn, t.ao.quantization

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.quant = Q.QuantStub()
            self.conv = nn.Conv2d(2, 4, 3, padding=1, groups=groups)
            self.bn = nn.BatchNorm2d(4)
            self.relu = nn.ReLU()
            self.pool = nn.MaxPool2d(2)
            self.second = nn.Conv2d(4, 4, 3, groups=4, stride=2)
            self.linear = nn.Linear(4, 3)
            self.after = nn.ReLU()
            self.sum = t.ao.nn.quantized.FloatFunctional()
            self.dequant = Q.DeQuantStub()

        def forward(self, x: Any) -> Any:
            x = self.pool(self.relu(self.bn(self.conv(self.quant(x)))))
            x = self.after(self.linear(t.flatten(self.second(x), 1)))
            return self.dequant(self.sum.add(x, x))

    return Network()


PARTS = [["conv", "bn", "relu"], ["linear", "after"]]


@pytest.mark.parametrize("backend", ["fbgemm", "qnnpack", "onednn"])
@pytest.mark.parametrize("groups", [1, 2])
def test_static(backend: str, groups: int) -> None:
    def program(t: Any, note: Any) -> None:
        Q = t.ao.quantization
        model = Q.fuse_modules(network(t, groups).eval(), PARTS)
        note("fused", model)
        model.qconfig = Q.get_default_qconfig(backend)
        observed = Q.prepare(model)
        note("prepared", observed)
        for i in range(3):
            note("observed", observed(t.randn(4, 2, 6, 6) * (i + 1)))
        note("state", list(observed.state_dict()))
        made = Q.convert(observed)
        note("converted", made)
        x = t.randn(3, 2, 6, 6)
        note("out", made(x))
        note("first", made.conv(made.quant(x)))
        note("keys", list(made.state_dict()))
        note("weight", [made.conv.weight(), made.linear.weight()])

    same(program)


@pytest.mark.parametrize("version", [0, 1])
def test_training(version: int) -> None:
    def program(t: Any, note: Any) -> None:
        Q = t.ao.quantization
        model = Q.fuse_modules_qat(network(t, 1).train(), PARTS)
        model.qconfig = Q.get_default_qat_qconfig("fbgemm", version)
        training = Q.prepare_qat(model)
        note("prepared", [training, list(training.state_dict())])
        optimizer = t.optim.SGD(training.parameters(), lr=0.05)
        for _ in range(4):
            loss = training(t.randn(4, 2, 6, 6)).square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            note("loss", loss)
        training.apply(Q.disable_observer)
        training.apply(t.ao.nn.intrinsic.qat.freeze_bn_stats)
        note("frozen", training(t.randn(4, 2, 6, 6)))
        made = Q.convert(training.eval())
        note("converted", [made, made(t.randn(2, 2, 6, 6))])

    same(program)


LAYERS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "ELU": (lambda nn: nn.ELU(), (3, 8)),
    "Hardswish": (lambda nn: nn.Hardswish(), (3, 8)),
    "LeakyReLU": (lambda nn: nn.LeakyReLU(0.1), (3, 8)),
    "ReLU6": (lambda nn: nn.ReLU6(), (3, 8)),
    "Tanh": (lambda nn: nn.Tanh(), (3, 8)),
    "LayerNorm": (lambda nn: nn.LayerNorm(8), (3, 8)),
    "GroupNorm": (lambda nn: nn.GroupNorm(2, 4), (2, 4, 5, 5)),
    "InstanceNorm2d": (lambda nn: nn.InstanceNorm2d(4), (2, 4, 5, 5)),
    "BatchNorm2d": (lambda nn: nn.BatchNorm2d(4), (2, 4, 5, 5)),
    "Dropout": (lambda nn: nn.Dropout(), (3, 8)),
    "Conv1d": (lambda nn: nn.Conv1d(3, 4, 3, dilation=2), (2, 3, 9)),
    "Conv2d": (lambda nn: nn.Conv2d(4, 3, 3, padding=2, stride=2, bias=False), (2, 4, 6, 6)),
    "Conv2d reflect": (lambda nn: nn.Conv2d(4, 2, 3, padding=1, padding_mode="reflect"), (2, 4, 5, 5)),
    "Conv3d": (lambda nn: nn.Conv3d(2, 3, 2), (1, 2, 4, 4, 4)),
    "ConvTranspose1d": (lambda nn: nn.ConvTranspose1d(3, 2, 3), (2, 3, 5)),
    "ConvTranspose2d": (lambda nn: nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1), (2, 4, 3, 3)),
    "Upsample": (lambda nn: nn.Upsample(scale_factor=2), (2, 4, 5, 5)),
    "Linear": (lambda nn: nn.Linear(8, 5), (2, 3, 8)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    def program(t: Any, note: Any) -> None:
        make, shape = LAYERS[name]
        Q, nn = t.ao.quantization, t.nn
        model = nn.Sequential(Q.QuantStub(), make(nn), Q.DeQuantStub()).eval()
        model.qconfig = Q.default_qconfig
        observed = Q.prepare(model)
        x = t.randn(*shape)
        observed(x)
        made = Q.convert(observed)
        note("converted", made)
        note("out", made(x))
        note("keys", list(made.state_dict()))

    same(program)


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"batch_first": True}])
def test_static_lstm(options: dict[str, Any]) -> None:
    def program(t: Any, note: Any) -> None:
        Q, nn = t.ao.quantization, t.nn

        class Network(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.quant, self.dequant = Q.QuantStub(), Q.DeQuantStub()
                self.lstm = nn.LSTM(4, 5, **options)

            def forward(self, x: Any) -> Any:
                return self.dequant(self.lstm(self.quant(x))[0])

        model = Network().eval()
        model.qconfig = Q.default_qconfig
        observed = Q.prepare(model)
        x = t.randn(4, 3, 4)
        note("observed", observed(x))
        note("prepared", [observed, list(observed.state_dict())])
        made = Q.convert(observed)
        note("converted", [made, made(x), list(made.state_dict())])
        split = t.ao.nn.quantizable.LSTMCell.from_params(
            t.randn(12, 4), t.randn(12, 3), t.randn(12), t.randn(12), split_gates=True
        )
        note("split", split(t.randn(2, 4)))

    same(program)


@pytest.mark.parametrize("options", [{}, {"kdim": 6, "vdim": 5}, {"add_bias_kv": True, "add_zero_attn": True}])
def test_static_attention(options: dict[str, Any]) -> None:
    def program(t: Any, note: Any) -> None:
        Q, nn = t.ao.quantization, t.nn

        class Network(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.stubs = nn.ModuleList([Q.QuantStub() for _ in range(3)])
                self.attention = nn.MultiheadAttention(8, 2, **options)
                self.dequant = Q.DeQuantStub()

            def forward(self, *inputs: Any) -> Any:
                given = [stub(x) for stub, x in zip(self.stubs, inputs, strict=True)]
                out, weights = self.attention(*given)
                return self.dequant(out), self.dequant(weights)

        model = Network().eval()
        model.qconfig = Q.default_qconfig
        inputs = t.randn(4, 2, 8), t.randn(3, 2, options.get("kdim", 8)), t.randn(3, 2, options.get("vdim", 8))
        observed = Q.prepare(model)
        note("observed", observed(*inputs))
        if "add_bias_kv" in options:  # PyTorch joins codes with floats here, and fails
            return
        made = Q.convert(observed)
        note("codes", made.attention(*(stub(x) for stub, x in zip(made.stubs, inputs, strict=True))))
        note("keys", [made, sorted(made.attention.state_dict())])

    same(program)


def test_sums_and_products() -> None:
    def program(t: Any, note: Any) -> None:
        a = t.quantize_per_tensor(t.randn(4, 4), 0.05, 60, t.quint8)
        b = t.quantize_per_tensor(t.randn(4, 4), 0.03, 100, t.quint8)
        f = t.ao.nn.quantized.QFunctional()
        f.scale, f.zero_point = 0.1, 50
        note("two", [f.add(a, b), f.add_relu(a, b), f.mul(a, b), f.cat([a, b]), f.cat([a, b], 1), f.matmul(a, b)])
        for number in (0.3, -0.3, 10.0, -10.0):
            note("number", [f.add_scalar(a, number), f.mul_scalar(a, number)])
        note("module", [f, list(f.state_dict())])

    same(program)


def test_functions() -> None:
    def program(t: Any, note: Any) -> None:
        qF = t.ao.nn.quantized.functional
        x = t.quantize_per_tensor(t.randn(2, 3, 6, 6), 0.05, 60, t.quint8)
        w = t.quantize_per_tensor(t.randn(4, 3, 3, 3), 0.02, 0, t.qint8)
        note("conv", qF.conv2d(x, w, t.randn(4), 2, 1, scale=0.2, zero_point=64))
        y = t.quantize_per_tensor(t.randn(5, 8), 0.05, 60, t.quint8)
        v = t.quantize_per_tensor(t.randn(4, 8), 0.02, 0, t.qint8)
        note("linear", qF.linear(y, v, t.randn(4), 0.1, 60))
        note(
            "bent",
            [
                qF.elu(y, 0.1, 60),
                qF.celu(y, 0.1, 60, 1.5),
                qF.hardswish(y, 0.1, 60),
                qF.leaky_relu(y, 0.2),
                qF.hardtanh(y),
                qF.threshold(y, 0.1, 2.0),
                qF.hardsigmoid(y),
                qF.clamp(y, -1, 1),
            ],
        )
        note("pooled", [qF.avg_pool2d(x, 2), qF.adaptive_avg_pool2d(x, 2), qF.max_pool2d(x, 2), qF.interpolate(x, 9)])

    same(program)


def test_checkpoints_go_both_ways(tmp_path: Any) -> None:
    for writer, reader in ((torch, rushlight), (rushlight, torch), (rushlight, rushlight)):
        writer.manual_seed(0)
        x = writer.randn(2, 3)
        scales = writer.tensor([0.1, 0.2])
        saved = {
            "tensor": writer.quantize_per_tensor(x, 0.1, 3, writer.quint8),
            "view": writer.quantize_per_tensor(x, 0.1, 3, writer.qint8).t(),
            "channels": writer.quantize_per_channel(x, scales, writer.tensor([0, 1]), 0, writer.qint8),
            "floats": writer.quantize_per_channel(x, scales, writer.tensor([0.5, 1.0]), 0, writer.quint8),
            "wide": writer.quantize_per_tensor(x, 0.1, 3, writer.qint32),
            "words": (writer.qint8, writer.per_tensor_affine),
        }
        writer.save(saved, tmp_path / "q.pt")
        assert repr(reader.load(tmp_path / "q.pt")) == repr(saved)


def test_a_quantized_network_goes_both_ways(tmp_path: Any) -> None:
    def made(t: Any, seed: int) -> Any:
        t.manual_seed(seed)
        return t.ao.quantization.quantize_dynamic(t.nn.Sequential(t.nn.Linear(6, 4), t.nn.ReLU(), t.nn.Linear(4, 2)))

    for writer, reader in ((torch, rushlight), (rushlight, torch)):
        source, target = made(writer, 0), made(reader, 1)
        writer.save(source.state_dict(), tmp_path / "net.pt")
        target.load_state_dict(reader.load(tmp_path / "net.pt"))
        x = np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32)
        np.testing.assert_allclose(
            source(writer.tensor(x)).detach().numpy(), target(reader.tensor(x)).detach().numpy(), atol=1e-6
        )


def test_shared_names_are_there() -> None:
    import rushlight.ao.nn.intrinsic.qat
    import rushlight.ao.nn.quantized.dynamic

    for path in (
        "ao.nn.quantized.dynamic", "ao.nn.quantized.functional", "ao.nn.qat", "ao.nn.intrinsic", "ao.nn.intrinsic.qat",
        "ao.nn.intrinsic.quantized", "nn.intrinsic", "nn.qat",
    ):  # fmt: skip
        ours, theirs = rushlight, torch
        for part in path.split("."):
            ours, theirs = getattr(ours, part), getattr(theirs, part)
        names = getattr(theirs, "__all__", None) or [n for n in dir(theirs) if n[0].isupper()]
        assert [name for name in names if not hasattr(ours, name)] == [], path
