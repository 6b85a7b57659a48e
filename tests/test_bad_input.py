"""What makes no sense raises PyTorch's exception type, says what came, and names the module where it happened."""

from __future__ import annotations

import pytest

import rushlight as torch
from rushlight import nn
from tests.bad_input.attempt import CASES, attempt, is_a


@pytest.mark.parametrize(("statements", "error", "words"), CASES, ids=[case[0] for case in CASES])
def test_misuse_raises(statements, error, words):
    raised = attempt("rushlight", statements)
    assert is_a(raised, error.removeprefix("~")), f"expected {error}, got {raised!r}"
    assert words in str(raised)


class Classifier(nn.Module):
    """A model of two levels, whose innermost layer is the one under test."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Identity(), nn.ModuleDict({"body": layer})["body"])

    def forward(self, x):
        return self.encoder(x)


LAYERS = [
    (nn.Linear(3, 4), torch.ones(2, 5), RuntimeError, "mat1 and mat2 shapes cannot be multiplied (2x5 and 3x4)"),
    (nn.Linear(3, 4), torch.ones(2, 3).double(), RuntimeError, "mat1 and mat2 must have the same dtype"),
    (nn.Linear(3, 4), [1.0], TypeError, "must be Tensor, not list"),
    (nn.Conv2d(3, 4, 3), torch.ones(1, 2, 8, 8), RuntimeError, "expected input[1, 2, 8, 8] to have 3 channels"),
    (nn.Conv2d(3, 4, 3), torch.ones(1, 3, 2, 2), RuntimeError, "Kernel size can't be greater than actual input size"),
    (nn.Conv2d(3, 4, 3), torch.ones(3, 8), RuntimeError, "Expected 3D (unbatched) or 4D (batched) input to conv2d"),
    (nn.Conv2d(3, 4, 3), torch.ones(1, 3, 8, 8).double(), RuntimeError, "Input type (double) and bias type (float)"),
    (nn.Conv1d(3, 4, 3), torch.ones(1, 2, 8), RuntimeError, "to have 3 channels, but got 2 channels instead"),
    (nn.ConvTranspose2d(3, 4, 3), torch.ones(1, 2, 8, 8), RuntimeError, "to have 3 channels, but got 2 channels"),
    (nn.MaxPool2d(5), torch.ones(1, 1, 4, 4), RuntimeError, "Output size is too small"),
    (nn.AvgPool2d(2, padding=2), torch.ones(1, 1, 4, 4), RuntimeError, "pad should be at most half of"),
    (nn.BatchNorm2d(3), torch.ones(2, 3, 4), ValueError, "expected 4D input (got 3D input)"),
    (nn.BatchNorm1d(3), torch.ones(1, 3), ValueError, "Expected more than 1 value per channel when training"),
    (nn.LayerNorm(3), torch.ones(2, 4), RuntimeError, "Given normalized_shape=[3], expected input with shape [*, 3]"),
    (nn.GroupNorm(2, 4), torch.ones(2, 3, 4), RuntimeError, "channels"),
    (nn.Embedding(3, 2), torch.tensor([3]), IndexError, "index out of range in self"),
    (nn.Embedding(3, 2), torch.ones(1), RuntimeError, "Expected tensor for argument #1 'indices'"),
    (nn.Softmax(dim=2), torch.ones(2, 2), IndexError, "Dimension out of range"),
    (nn.Unflatten(1, (2, 2)), torch.ones(2, 3), RuntimeError, "unflatten"),
    (nn.ReflectionPad2d(4), torch.ones(1, 1, 4, 4), RuntimeError, "Padding size should be less than"),
]


@pytest.mark.parametrize(
    ("layer", "x", "error", "words"), LAYERS, ids=[repr(row[0]) + str(i) for i, row in enumerate(LAYERS)]
)
def test_an_error_inside_a_model_names_the_module_and_its_inputs(layer, x, error, words):
    with pytest.raises(error) as caught:
        Classifier(layer)(x)
    assert words in str(caught.value)
    (note,) = caught.value.__notes__
    came = f"[{tuple(x.shape)}]" if isinstance(x, torch.Tensor) else "[[float]]"
    assert note == f"in encoder.1 ({type(layer).__name__}), called with input shapes {came}"
