"""Whole models, saved by one library and loaded by the other: the classes, their state and what they compute."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.nn.utils import prune as _  # noqa: E402, F401  # torch.nn.utils has it once it is imported

import rushlight  # noqa: E402


def pruned(t: Any) -> Any:
    return t.nn.utils.prune.l1_unstructured(t.nn.Linear(3, 2), "weight", 0.3)


def images(t: Any) -> Any:
    nn = t.nn
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding="same"),
        nn.BatchNorm2d(4),
        nn.GELU(),
        nn.MaxPool2d(2),
        nn.Upsample(scale_factor=2),
        nn.ConvTranspose2d(4, 2, 2),
        nn.PReLU(),
        nn.GroupNorm(1, 2),
        nn.ReflectionPad2d(1),
        nn.Flatten(),
    )


def recurrent(t: Any) -> Any:
    return t.nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True, proj_size=2)


def encoder(t: Any) -> Any:
    layer = t.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
    return t.nn.TransformerEncoder(layer, 2, norm=t.nn.LayerNorm(4))


MODELS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...] | None]] = {
    "images": (images, (2, 1, 6, 6)),
    "recurrent": (recurrent, (2, 5, 3)),
    "encoder": (encoder, (2, 5, 4)),
    "transformer": (lambda t: t.nn.Transformer(4, 2, 1, 1, 8), None),
    "attention": (lambda t: t.nn.MultiheadAttention(4, 2, kdim=3), None),
    "weight norm": (lambda t: t.nn.utils.weight_norm(t.nn.Linear(3, 2)), (2, 3)),
    "spectral norm": (lambda t: t.nn.utils.spectral_norm(t.nn.Linear(3, 2)), (2, 3)),
    "pruned": (pruned, (2, 3)),
    "lazy": (lambda t: t.nn.LazyLinear(3), (2, 3)),
    "parameters": (lambda t: t.nn.ParameterList([t.nn.Parameter(t.ones(2))]), None),
    "named parameters": (lambda t: t.nn.ParameterDict({"a": t.nn.Parameter(t.ones(2))}), None),
    "parallel": (lambda t: t.nn.DataParallel(t.nn.Linear(3, 2)), (2, 3)),
    "unpooling": (lambda t: t.nn.MaxUnpool2d(2), None),
    "loss": (lambda t: t.nn.CrossEntropyLoss(weight=t.ones(3)), None),
    "averaged": (lambda t: t.optim.swa_utils.AveragedModel(t.nn.Linear(3, 2)), (2, 3)),
    "adaptive": (lambda t: t.nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2]), None),
}


def computed(library: Any, model: Any, shape: tuple[int, ...]) -> Any:
    library.manual_seed(1)
    out = model.eval()(library.rand(*shape))
    return (out[0] if isinstance(out, tuple) else out).flatten().tolist()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("back", [False, True], ids=["from PyTorch", "to PyTorch"])
@pytest.mark.filterwarnings("ignore")
def test_loads_in_the_other_library(name: str, back: bool) -> None:
    make, shape = MODELS[name]
    writer, reader = (rushlight, torch) if back else (torch, rushlight)
    writer.manual_seed(0)
    model = make(writer)
    file = io.BytesIO()
    writer.save(model, file)
    file.seek(0)
    loaded = reader.load(file, weights_only=False)
    assert type(loaded).__module__.partition(".")[0] == reader.__name__
    assert repr(loaded) == repr(model)
    assert list(loaded.state_dict()) == list(model.state_dict())
    if shape is not None:
        # Spectral normalization divides by a number that a first iteration makes of differences: rel is for its roundings.
        assert computed(reader, loaded, shape) == pytest.approx(computed(writer, model, shape), rel=1e-5, abs=1e-5)
