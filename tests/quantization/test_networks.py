"""From float networks to quantized ones: what each step leaves, and that the results are near the floats'."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest

import rushlight as torch
from rushlight import nn
from rushlight.ao import quantization
from rushlight.ao.nn import quantized as nnq
from rushlight.nn import functional as F
from rushlight.vision.datasets import Digits

pytestmark = pytest.mark.filterwarnings("ignore:Please use quant_min and quant_max")


def mlp() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5)).eval()


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.quant = quantization.QuantStub()
        self.conv = nn.Conv2d(2, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.depthwise = nn.Conv2d(8, 8, 3, groups=8)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(8, 3)
        self.sum = nnq.FloatFunctional()
        self.dequant = quantization.DeQuantStub()

    def forward(self, x: Any) -> Any:
        x = self.pool(self.relu(self.bn(self.conv(self.quant(x)))))
        x = self.linear(torch.flatten(self.average(self.depthwise(x)), 1))
        return self.dequant(self.sum.add(x, x))


def near(ours: Any, wanted: Any, share: float) -> None:
    """Whether results differ by less than a share of the largest."""
    assert (ours - wanted).abs().max() <= share * wanted.abs().max()


@pytest.mark.parametrize("dtype", [torch.qint8, torch.float16])
def test_dynamic_linear_layers(dtype: Any) -> None:
    model = mlp()
    made = quantization.quantize_dynamic(model, dtype=dtype)
    x = torch.randn(9, 20)
    near(made(x), model(x), 0.03 if dtype is torch.qint8 else 1e-3)
    assert type(model[0]) is nn.Linear  # the model itself stays
    assert "DynamicQuantizedLinear(in_features=20, out_features=32" in repr(made)
    assert type(made[1]) is nn.ReLU and not hasattr(made[0], "qconfig")
    near(made(x.reshape(3, 3, 20)), model(x).reshape(3, 3, 5), 0.03)
    with pytest.raises(RuntimeError, match="larger than or equal to 2"):
        quantization.quantize_dynamic(model)(x[0])


def test_weights_in_the_state_are_int8_and_load() -> None:
    made = quantization.quantize_dynamic(mlp())
    state = made.state_dict()
    assert list(state)[:4] == [
        "0.scale", "0.zero_point", "0._packed_params.dtype", "0._packed_params._packed_params",
    ]  # fmt: skip
    weight, bias = state["0._packed_params._packed_params"]
    assert weight.dtype is torch.qint8 and bias.dtype is torch.float32
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    other = quantization.quantize_dynamic(nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5)))
    other.load_state_dict(torch.load(file))
    x = torch.randn(4, 20)
    assert torch.equal(other(x), made(x))
    assert torch.equal(copy.deepcopy(made)(x), made(x))
    assert torch.equal(pickle.loads(pickle.dumps(made))(x), made(x))


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"batch_first": True}])
def test_dynamic_recurrent_layers(kind: Any, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(kind(6, 8, **options))
    made = quantization.quantize_dynamic(model)
    x = torch.randn(5, 3, 6)
    (ours, our_state), (wanted, state) = made(x), model(x)
    near(ours, wanted, 0.05)
    ours_last, wanted_last = (s[0] if isinstance(s, tuple) else s for s in (our_state, state))
    near(ours_last, wanted_last, 0.05)
    fresh = quantization.quantize_dynamic(nn.Sequential(kind(6, 8, **options)))
    fresh.load_state_dict(made.state_dict())
    assert torch.equal(fresh(x)[0], ours)
    with pytest.raises(RuntimeError, match=r"input\.size\(-1\) must be equal to input_size"):
        made(torch.randn(5, 3, 7))


@pytest.mark.parametrize("make", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_dynamic_cells(make: Any) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(make(6, 8))
    made = quantization.quantize_dynamic(model)
    x = torch.randn(3, 6)
    ours, wanted = made(x), model(x)
    near(*(out[0] if isinstance(out, tuple) else out for out in (ours, wanted)), 0.05)  # type: ignore[misc]
    with pytest.raises(RuntimeError, match="inconsistent input_size"):
        made(torch.randn(3, 7))


def test_embeddings() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(10, 8))
    made = quantization.quantize_dynamic(model, dtype=torch.quint8)
    places = torch.tensor([[1, 2], [9, 0]])
    near(made(places), model(places), 0.01)
    with pytest.raises(RuntimeError, match="idx >= 0 && idx < N"):
        made(torch.tensor([10]))
    with pytest.raises(ValueError, match="Don't know how to quantize"):
        quantization.quantize_dynamic(model, dtype=torch.int8)


@pytest.mark.parametrize("backend", ["x86", "fbgemm", "qnnpack", "onednn"])
def test_static(backend: str) -> None:
    torch.manual_seed(0)
    model = Network().eval()
    fused = quantization.fuse_modules(model, [["conv", "bn", "relu"]])
    assert type(fused.conv).__name__ == "ConvReLU2d" and type(fused.bn) is nn.Identity
    x = torch.randn(16, 2, 8, 8)
    near(fused(x), model(x), 1e-4)
    fused.qconfig = quantization.get_default_qconfig(backend)
    observed = quantization.prepare(fused)
    near(observed(x), model(x), 1e-4)  # observers let everything pass
    made = quantization.convert(observed)
    near(made(x), model(x), 0.06)
    assert made.conv(made.quant(x)).dtype is torch.quint8
    assert [type(module).__name__ for module in (made.quant, made.conv, made.linear, made.sum)] == [
        "Quantize", "ConvReLU2d", "Linear", "QFunctional",
    ]  # fmt: skip
    other = quantization.convert(observed)
    other.load_state_dict(made.state_dict())
    assert torch.equal(other(x), made(x))
    assert torch.equal(pickle.loads(pickle.dumps(made))(x), made(x))


def test_training_bears_the_rounding() -> None:
    torch.manual_seed(0)
    model = quantization.fuse_modules_qat(Network().train(), [["conv", "bn", "relu"]])
    model.qconfig = quantization.get_default_qat_qconfig("x86")
    training = quantization.prepare_qat(model)
    assert type(training.conv).__name__ == "ConvBnReLU2d"
    images, labels = torch.randn(32, 2, 8, 8), torch.arange(32) % 3
    optimizer = torch.optim.Adam(training.parameters(), lr=0.01)
    losses = []
    for _ in range(12):
        loss = F.cross_entropy(training(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    training.eval()
    training.apply(quantization.disable_observer)
    made = quantization.convert(training)
    # The ranges are averages, which a few steps leave too narrow for some numbers.
    assert (made(images).argmax(1) == training(images).argmax(1)).float().mean() > 0.7
    with pytest.raises(AssertionError, match="training mode"):
        quantization.prepare_qat(Network().eval())


def test_a_digit_is_read_as_before() -> None:
    torch.manual_seed(0)
    train, test = Digits(train=True), Digits(train=False)
    images, labels = train.data.float().reshape(-1, 64) / 255, train.targets
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(40):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
    model.eval()

    def accuracy(made: Any) -> float:
        found = made(test.data.float().reshape(-1, 64) / 255).argmax(1)
        return float((found == test.targets).float().mean())

    wrapped = quantization.QuantWrapper(model)
    wrapped.qconfig = quantization.get_default_qconfig()
    observed = quantization.prepare(wrapped.eval())
    observed(images[:200])
    before = accuracy(model)
    assert before > 0.9
    for made in (quantization.quantize_dynamic(model), quantization.convert(observed)):
        assert accuracy(made) >= 0.99 * before


def test_names_and_classes_choose_what_is_quantized() -> None:
    made = quantization.quantize_dynamic(mlp(), {"0"})
    assert type(made[2]) is nn.Linear and type(made[0]) is not nn.Linear
    model = mlp()
    model.qconfig = quantization.default_qconfig
    model[2].qconfig = None
    observed = quantization.prepare(model)
    assert hasattr(observed[0], "activation_post_process") and not hasattr(observed[2], "activation_post_process")
    with pytest.warns(UserWarning, match="None of the submodule got qconfig"):
        quantization.prepare(mlp())


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: quantization.QConfig(quantization.MinMaxObserver(), None), ValueError, "pass observer class instead"),
        (lambda: quantization.get_default_qconfig("tpu"), AssertionError, "not supported"),
        (lambda: quantization.get_fuser_method((nn.ReLU, nn.ReLU)), AssertionError, "did not find fuser method"),
        (lambda: nnq.Conv2d(3, 4, 2, padding_mode="circular"), ValueError, "not supported by quantized convolution"),
        (lambda: nnq.Conv2d(3, 4, 2)(torch.ones(1, 3, 4, 4)), RuntimeError, "Expected input data type QUInt8"),
        (lambda: nnq.Linear(3, 4)(torch.ones(1, 3)), RuntimeError, "Expected input data type QUInt8"),
        (lambda: nnq.FloatFunctional()(1), RuntimeError, "not intended to use the 'forward'"),
        (lambda: quantization.MinMaxObserver(qscheme=torch.per_channel_affine), NotImplementedError, "only support"),
        (lambda: quantization.MinMaxObserver(quant_min=5, quant_max=9), AssertionError, "must include 0"),
        (lambda: quantization.PlaceholderObserver().calculate_qparams(), Exception, "should not be called"),
        (lambda: setattr(torch.backends.quantized, "engine", "tpu"), RuntimeError, "is not supported"),
        (lambda: quantization.convert(mlp(), is_reference=True), ValueError, "graph mode"),
    ],
)
def test_what_is_refused(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def test_observers_that_saw_nothing_say_so() -> None:
    for observer in (quantization.MinMaxObserver(), quantization.PerChannelMinMaxObserver()):
        with pytest.warns(UserWarning, match="must run observer before"):
            scale, zero_point = observer.calculate_qparams()
        assert (scale.tolist(), zero_point.tolist()) == ([1.0], [0])


def test_switches_of_fake_quantizers() -> None:
    fake = quantization.FakeQuantize(quant_min=0, quant_max=255)
    x = torch.tensor([0.0, 0.337, 2.55])
    assert fake(x).tolist() == pytest.approx([0.0, 0.34, 2.55])
    model = nn.Sequential(fake)
    model.apply(quantization.disable_fake_quant)
    assert torch.equal(model(x), x)
    model.apply(quantization.enable_fake_quant)
    model.apply(quantization.disable_observer)
    assert model(x * 9).tolist() == pytest.approx([0.0, 2.55, 2.55])  # the range stays
    model.apply(quantization.enable_observer)
    model(x * 9)
    assert fake.scale.item() > 0.01


def test_the_packages_come_when_named() -> None:
    assert torch.nn.quantized.Linear is nnq.Linear
    assert torch.quantization.prepare is quantization.prepare
    assert torch.nn.quantized.dynamic.LSTM is nnq.dynamic.LSTM
    assert torch.nn.qat.Linear is torch.ao.nn.qat.Linear
    assert torch.nn.intrinsic.ConvReLU2d is torch.ao.nn.intrinsic.ConvReLU2d
