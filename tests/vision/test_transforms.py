"""Image transforms: values by hand, the three kinds of image alike, printed forms, and what they refuse."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.vision import transforms as T
from rushlight.vision.transforms import InterpolationMode
from rushlight.vision.transforms import functional as F

rng = np.random.default_rng(1)
GREY = rng.integers(0, 256, (6, 9), dtype=np.uint8)
COLOUR = rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)
TINY = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)


def channels_first(array):
    return array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)


def as_tensor(array):
    return torch.tensor(channels_first(array).copy())


def test_to_tensor_scales_bytes_only():
    tensor = T.ToTensor()(COLOUR)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    assert np.array_equal(tensor.numpy(), channels_first(COLOUR).astype(np.float32) / np.float32(255))
    assert T.ToTensor()(GREY).shape == (1, 6, 9)
    assert T.ToTensor()(GREY.astype(np.int32)).dtype == torch.int32
    assert T.ToTensor()(np.ones((2, 2))).dtype == torch.float64
    assert T.PILToTensor()(COLOUR).numpy().tolist() == channels_first(COLOUR).tolist()


def test_normalize():
    image = torch.tensor([[[0.0, 1.0]], [[2.0, 4.0]]])
    normalize = T.Normalize((1.0, 2.0), (0.5, 2.0))
    assert normalize(image).tolist() == [[[-2.0, 0.0]], [[0.0, 1.0]]]
    assert image[0, 0, 1] == 1
    assert T.Normalize(torch.tensor([1.0]), [0.5], inplace=True)(image) is image
    assert image[0].tolist() == [[-2.0, 0.0]]
    leaf = torch.ones(1, 2, 2, requires_grad=True)
    normalize = T.Normalize([0.0], [4.0])
    normalize(leaf).sum().backward()
    assert leaf.grad.tolist() == [[[0.25, 0.25], [0.25, 0.25]]]


CONVERSIONS = [
    ([0, 255], "uint8", "float32", [0.0, 1.0]),
    ([0.0, 0.5, 1.0], "float32", "uint8", [0, 127, 255]),
    ([0, 255], "uint8", "int32", [0, 255 * (2**31 // 256)]),
    ([0, 2**30], "int32", "uint8", [0, 128 // 2 * 2]),
    ([1.0], "float32", "float64", [1.0]),
    ([1.0], "float64", "int32", [2147483647]),
]


@pytest.mark.parametrize(("values", "given", "wanted", "expected"), CONVERSIONS)
def test_convert_image_dtype(values, given, wanted, expected):
    image = torch.tensor(values, dtype=getattr(torch, given))
    result = T.ConvertImageDtype(getattr(torch, wanted))(image)
    assert result.dtype == getattr(torch, wanted)
    assert result.tolist() == expected


GEOMETRY = {
    "crop": (lambda x: F.crop(x, 0, 1, 2, 2), [[1, 2], [4, 5]]),
    "crop beyond": (lambda x: F.crop(x, -1, 2, 2, 2), [[0, 0], [2, 0]]),
    "center crop": (lambda x: F.center_crop(x, (2, 1)), [[1], [4]]),
    "center crop of a smaller image": (
        lambda x: F.center_crop(x, (4, 3)),
        [[0, 0, 0], [0, 1, 2], [3, 4, 5], [0, 0, 0]],
    ),
    "hflip": (F.hflip, [[2, 1, 0], [5, 4, 3]]),
    "vflip": (F.vflip, [[3, 4, 5], [0, 1, 2]]),
    "pad": (lambda x: F.pad(x, [1, 0, 0, 1], fill=9), [[9, 0, 1, 2], [9, 3, 4, 5], [9, 9, 9, 9]]),
    "pad edge": (lambda x: F.pad(x, (1, 0), padding_mode="edge"), [[0, 0, 1, 2, 2], [3, 3, 4, 5, 5]]),
    "pad reflect": (lambda x: F.pad(x, (1, 0), padding_mode="reflect"), [[1, 0, 1, 2, 1], [4, 3, 4, 5, 4]]),
    "pad symmetric": (
        lambda x: F.pad(x, (2, 0), padding_mode="symmetric"),
        [[1, 0, 0, 1, 2, 2, 1], [4, 3, 3, 4, 5, 5, 4]],
    ),
    "cut": (lambda x: F.pad(x, [-1, 0, 0, -1]), [[1, 2]]),
    "nearest": (lambda x: F.resize(x, (4, 3), InterpolationMode.NEAREST), [[0, 1, 2], [0, 1, 2], [3, 4, 5], [3, 4, 5]]),
    "bilinear": (lambda x: F.resize(x, (2, 6)), [[0, 0, 1, 1, 2, 2], [3, 3, 4, 4, 5, 5]]),
    "quarter turn": (lambda x: F.rotate(x, 90, expand=True), [[2, 5], [1, 4], [0, 3]]),
    "half turn": (lambda x: F.rotate(x, 180), [[5, 4, 3], [2, 1, 0]]),
}


@pytest.mark.parametrize("name", GEOMETRY)
@pytest.mark.parametrize("kind", ["grey", "colour", "tensor", "pil"])
def test_geometry(name, kind):
    function, expected = GEOMETRY[name]
    if kind == "grey":
        got = function(TINY)
    elif kind == "colour":
        result = function(np.repeat(TINY[..., None], 3, -1))
        assert (result == result[..., :1]).all()
        got = result[..., 0]
    elif kind == "tensor":
        got = function(torch.tensor(TINY[None]))[0].numpy()
    else:
        image = pytest.importorskip("PIL.Image").fromarray(TINY)
        result = function(image)
        assert type(result) is type(image)
        assert result.mode == "L"
        got = np.asarray(result)
    if name == "bilinear":
        assert np.abs(got.astype(int) - expected).max() <= 1
    else:
        assert got.tolist() == expected


@pytest.mark.parametrize(
    ("size", "max_size", "expected"),
    [(3, None, (3, 4)), ([3], None, (3, 4)), ((4, 5), None, (4, 5)), (4, 5, (3, 5)), (12, None, (12, 18))],
)
def test_sizes(size, max_size, expected):
    assert F.get_dimensions(T.Resize(size, max_size=max_size)(GREY)) == [1, *expected]
    assert F.get_image_size(T.Resize(size, max_size=max_size)(as_tensor(GREY))) == [expected[1], expected[0]]


MODES = ["nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"]
PIL_NUMBERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(3, 4), (13, 20), (6, 4), (9, 9)])
@pytest.mark.parametrize("array", [GREY, COLOUR], ids=["grey", "colour"])
def test_resizing_bytes_follows_pillow(array, size, mode):
    image = pytest.importorskip("PIL.Image").fromarray(array)
    theirs = np.asarray(image.resize(size[::-1], PIL_NUMBERS[mode]))
    assert np.array_equal(F.resize(array, size, InterpolationMode(mode)), theirs)
    assert np.array_equal(np.asarray(F.resize(image, size, PIL_NUMBERS[mode])), theirs)


@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("angle", [0, 10, -33.3, 90, 180, 271, 400])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_turning_bytes_follows_pillow(angle, mode, expand):
    image = pytest.importorskip("PIL.Image").fromarray(COLOUR)
    theirs = np.asarray(image.rotate(angle, PIL_NUMBERS[mode], expand))
    assert np.array_equal(F.rotate(COLOUR, angle, InterpolationMode(mode), expand), theirs)


def test_turning_fills_and_has_a_center():
    image = pytest.importorskip("PIL.Image").fromarray(COLOUR)
    theirs = np.asarray(image.rotate(30, center=(1, 2), fillcolor=(1, 2, 3)))
    assert np.array_equal(F.rotate(COLOUR, 30, center=[1, 2], fill=[1, 2, 3]), theirs)


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0, 1.7])
@pytest.mark.parametrize(
    ("function", "enhancer"),
    [(F.adjust_brightness, "Brightness"), (F.adjust_contrast, "Contrast"), (F.adjust_saturation, "Color")],
)
def test_colours_of_bytes_follow_pillow(function, enhancer, factor):
    image = pytest.importorskip("PIL.Image").fromarray(COLOUR)
    enhance = __import__("PIL.ImageEnhance").ImageEnhance
    assert np.array_equal(function(COLOUR, factor), np.asarray(getattr(enhance, enhancer)(image).enhance(factor)))


@pytest.mark.parametrize("factor", [0.0, 0.2, -0.5])
def test_hues_of_bytes_follow_pillow(factor):
    pillow = pytest.importorskip("PIL.Image")
    hue, saturation, value = pillow.fromarray(COLOUR).convert("HSV").split()
    turned = ((np.asarray(hue).astype(int) + int(factor * 255)) % 256).astype(np.uint8)
    theirs = pillow.merge("HSV", (pillow.fromarray(turned), saturation, value)).convert("RGB")
    assert np.array_equal(F.adjust_hue(COLOUR, factor), np.asarray(theirs))


def test_colours_of_tensors():
    image = torch.tensor([[[0.2]], [[0.4]], [[0.8]]])
    grey = 0.2989 * 0.2 + 0.587 * 0.4 + 0.114 * 0.8
    assert F.adjust_brightness(image, 2.0).flatten().tolist() == pytest.approx([0.4, 0.8, 1.0])
    assert F.adjust_saturation(image, 0.0).flatten().tolist() == pytest.approx([grey] * 3, abs=1e-6)
    mixed = [(v + grey) / 2 for v in (0.2, 0.4, 0.8)]
    assert F.adjust_contrast(image, 0.5).flatten().tolist() == pytest.approx(mixed, abs=1e-6)
    assert F.adjust_hue(image, 1 / 3).flatten().tolist() == pytest.approx([0.8, 0.2, 0.4], abs=1e-5)
    assert F.adjust_hue(image, 0.0).flatten().tolist() == pytest.approx([0.2, 0.4, 0.8], abs=1e-6)
    batch = torch.rand(2, 3, 4, 5)
    for function in (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation):
        whole = function(batch, 0.7)
        assert np.allclose(whole[1].numpy(), function(batch[1], 0.7).numpy(), atol=1e-6)


def test_grey():
    image = pytest.importorskip("PIL.Image").fromarray(COLOUR)
    theirs = np.asarray(image.convert("L"))
    assert np.array_equal(T.Grayscale()(COLOUR), theirs)
    assert np.array_equal(np.asarray(T.Grayscale(3)(image))[..., 1], theirs)
    assert T.Grayscale()(as_tensor(COLOUR)).shape == (1, 6, 9)
    assert T.Grayscale(3)(as_tensor(COLOUR)).shape == (3, 6, 9)
    assert np.array_equal(T.Grayscale()(GREY), GREY)
    assert np.abs(T.Grayscale()(as_tensor(COLOUR))[0].numpy().astype(int) - theirs).max() <= 1


def test_pil_images_there_and_back():
    pytest.importorskip("PIL.Image")
    for array, mode in ((GREY, "L"), (COLOUR, "RGB"), (np.dstack([COLOUR, GREY]), "RGBA")):
        image = T.ToPILImage()(array)
        assert image.mode == mode
        assert np.array_equal(np.asarray(image), array)
        assert np.array_equal(np.asarray(T.ToPILImage()(T.ToTensor()(image))), array)
        assert F.get_dimensions(image) == [len(mode), 6, 9]
    assert T.ToPILImage()(torch.ones(2, 2)).mode == "L"
    assert T.ToPILImage()(np.ones((2, 2), np.float32)).mode == "F"
    assert T.ToPILImage("YCbCr")(COLOUR).mode == "YCbCr"


def test_without_pillow_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r"to_pil_image needs Pillow: pip install 'rushlight\[image\]'"):
        T.ToPILImage()(GREY)
    assert T.Resize(3)(GREY).shape == (3, 4)


def test_one_seed_one_sequence():
    augment = T.Compose(
        [
            T.RandomCrop(5, padding=2),
            T.RandomHorizontalFlip(),
            T.RandomVerticalFlip(),
            T.RandomRotation(20),
            T.ColorJitter(0.5, 0.5, 0.5, 0.2),
            T.RandomApply([T.RandomGrayscale(0.5)]),
            T.RandomResizedCrop(4),
            T.RandomChoice([T.Pad(1), T.CenterCrop(6)], p=[1, 1]),
            T.RandomOrder([T.Lambda(lambda x: x), T.CenterCrop(3)]),
        ]
    )
    runs = []
    for _ in range(2):
        torch.manual_seed(4)
        random.seed(4)
        runs.append([augment(COLOUR).tolist() for _ in range(5)])
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[0][1]


def test_random_cropping_pads_when_needed():
    crop = T.RandomCrop((8, 12), pad_if_needed=True, fill=7)
    assert crop(GREY).shape == (8, 12)
    assert (crop(GREY) == 7).any()
    assert T.RandomCrop((6, 9))(GREY) is not None
    with pytest.raises(ValueError, match=r"Required crop size \(7, 7\) is larger than input image size \(6, 9\)"):
        T.RandomCrop(7)(GREY)


def test_probabilities_zero_and_one():
    tensor = as_tensor(COLOUR)
    assert T.RandomHorizontalFlip(1.0)(GREY).tolist() == GREY[:, ::-1].tolist()
    for never in (T.RandomHorizontalFlip(0.0), T.RandomVerticalFlip(0.0), T.RandomGrayscale(0.0), T.RandomErasing(0.0)):
        assert never(tensor) is tensor
    erased = T.RandomErasing(1.0, value=(300, 301, 302), scale=(0.2, 0.3))(tensor.float())
    assert {300.0, 301.0, 302.0} <= set(erased.flatten().tolist())
    assert T.RandomErasing(1.0, value="random")(torch.zeros(3, 9, 9)).abs().sum() > 0


def test_random_resized_crop_falls_back_to_the_middle():
    assert T.RandomResizedCrop.get_params(np.zeros((4, 100), np.uint8), (1.0, 1.0), (0.5, 1.0)) == (0, 48, 4, 4)
    assert T.RandomResizedCrop.get_params(np.zeros((100, 4), np.uint8), (1.0, 1.0), (1.0, 2.0)) == (48, 0, 4, 4)


def test_modules_go_into_sequential():
    assert nn.Sequential(T.CenterCrop(4), T.Normalize([0.0], [1.0]))(torch.ones(1, 6, 6)).shape == (1, 4, 4)


PRINTED = [
    (
        T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))]),
        "Compose(\n    ToTensor()\n    Normalize(mean=(0.5,), std=(0.5,))\n)",
    ),
    (T.PILToTensor(), "PILToTensor()"),
    (T.ToPILImage(), "ToPILImage()"),
    (T.ToPILImage("L"), "ToPILImage(mode=L)"),
    (T.ConvertImageDtype(torch.float32), "ConvertImageDtype()"),
    (T.Resize(8), "Resize(size=8, interpolation=bilinear, max_size=None, antialias=True)"),
    (T.CenterCrop(8), "CenterCrop(size=(8, 8))"),
    (T.Pad(2), "Pad(padding=2, fill=0, padding_mode=constant)"),
    (T.Lambda(abs), "Lambda()"),
    (T.RandomApply([T.ToTensor()], p=0.3), "RandomApply(\n    p=0.3\n    ToTensor()\n)"),
    (T.RandomChoice([T.ToTensor()]), "RandomChoice(\n    ToTensor()\n)(p=None)"),
    (T.RandomOrder([T.ToTensor()]), "RandomOrder(\n    ToTensor()\n)"),
    (T.RandomCrop(32, padding=4), "RandomCrop(size=(32, 32), padding=4)"),
    (T.RandomHorizontalFlip(), "RandomHorizontalFlip(p=0.5)"),
    (T.RandomVerticalFlip(0.1), "RandomVerticalFlip(p=0.1)"),
    (
        T.RandomResizedCrop(8),
        "RandomResizedCrop(size=(8, 8), scale=(0.08, 1.0), ratio=(0.75, 1.3333), "
        "interpolation=bilinear, antialias=True)",
    ),
    (T.RandomRotation(10), "RandomRotation(degrees=[-10.0, 10.0], interpolation=nearest, expand=False, fill=0)"),
    (T.Grayscale(), "Grayscale(num_output_channels=1)"),
    (T.RandomGrayscale(), "RandomGrayscale(p=0.1)"),
    (
        T.ColorJitter(0.5, hue=0.1),
        "ColorJitter(brightness=(0.5, 1.5), contrast=None, saturation=None, hue=(-0.1, 0.1))",
    ),
    (T.RandomErasing(), "RandomErasing(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False)"),
]


@pytest.mark.parametrize(("transform", "text"), PRINTED, ids=lambda x: type(x).__name__)
def test_printed_forms_are_torchvisions(transform, text):
    assert repr(transform) == text


FLOATS = torch.ones(3, 4, 4)
REFUSALS = [
    (lambda: T.ToTensor()(torch.ones(2)), TypeError, "pic should be PIL Image or ndarray. Got"),
    (lambda: T.ToTensor()(np.ones(2)), ValueError, "pic should be 2/3 dimensional. Got 1 dimensions."),
    (
        lambda: T.Resize(3)("image"),
        TypeError,
        "img should be a Tensor, a NumPy array or a PIL Image. Got <class 'str'>",
    ),
    (lambda: T.Resize(3)(np.ones(3)), ValueError, r"an image array should be H x W or H x W x C. Got shape \(3,\)"),
    (lambda: T.CenterCrop(3)(torch.ones(3)), TypeError, "Tensor is not a torch image"),
    (lambda: F.normalize(GREY, [0.0], [1.0]), TypeError, "img should be Tensor Image. Got <class 'numpy.ndarray'>"),
    (lambda: F.normalize(as_tensor(GREY), [0.0], [1.0]), TypeError, "should be a float tensor. Got torch.uint8"),
    (lambda: F.normalize(FLOATS[0], [0.0], [1.0]), ValueError, r"Got tensor.size\(\) = torch.Size\(\[4, 4\]\)"),
    (lambda: F.normalize(FLOATS, [0.0], [0.0]), ValueError, "std evaluated to zero after conversion to torch.float32"),
    (lambda: F.convert_image_dtype(GREY), TypeError, "Input img should be Tensor Image"),
    (
        lambda: F.convert_image_dtype(FLOATS, torch.int64),
        RuntimeError,
        "cast from torch.float32 to torch.int64 cannot be",
    ),
    (lambda: F.pad(GREY, "1"), TypeError, "Got inappropriate padding arg"),
    (
        lambda: F.pad(GREY, [1, 2, 3]),
        ValueError,
        "Padding must be an int or a 1, 2, or 4 element tuple, not a 3 element",
    ),
    (lambda: F.pad(GREY, 1, padding_mode="x"), ValueError, "Padding mode should be either constant, edge, reflect"),
    (lambda: F.pad(COLOUR, 1, fill=[1, 2]), ValueError, r"number of elements in 'fill' does not match .* \(2 != 3\)"),
    (lambda: T.Resize(1.5), TypeError, "Size should be int or sequence. Got <class 'float'>"),
    (lambda: T.Resize((1, 2, 3)), ValueError, "If size is a sequence, it should have 1 or 2 values"),
    (lambda: T.Resize((1, 2), max_size=3)(GREY), ValueError, "max_size should only be passed if size specifies"),
    (
        lambda: T.Resize(4, max_size=4)(GREY),
        ValueError,
        "max_size = 4 must be strictly greater than the requested size",
    ),
    (lambda: T.Resize(3, interpolation="bilinear"), TypeError, "Argument interpolation should be a InterpolationMode"),
    (lambda: F.resize(FLOATS, 2, InterpolationMode.BOX), ValueError, "supports only nearest, nearest-exact, bilinear"),
    (lambda: F.resize(GREY, (0, 3)), ValueError, "can't be resized to 0 x 3"),
    (lambda: F.rotate(GREY, "1"), TypeError, "Argument angle should be int or float"),
    (lambda: F.rotate(GREY, 1, center=[1]), ValueError, "Argument center should be a sequence of two numbers"),
    (lambda: F.rotate(GREY, 1, InterpolationMode.BICUBIC), ValueError, "by nearest or bilinear, not bicubic"),
    (lambda: F.rgb_to_grayscale(GREY, 2), ValueError, "num_output_channels should be either 1 or 3"),
    (lambda: F.rgb_to_grayscale(torch.ones(2, 3, 3)), TypeError, "permitted channel values are 1 or 3, but found 2"),
    (lambda: F.adjust_hue(COLOUR, 0.6), ValueError, r"hue_factor \(0.6\) is not in \[-0.5, 0.5\]"),
    (lambda: F.adjust_contrast(COLOUR, -1), ValueError, r"contrast_factor \(-1\) is not non-negative"),
    (lambda: F.erase(GREY, 0, 0, 1, 1, 0), TypeError, "img should be Tensor Image"),
    (lambda: T.Lambda(3), TypeError, "Argument lambd should be callable, got 'int'"),
    (lambda: T.RandomChoice(3), TypeError, "Argument transforms should be a sequence"),
    (lambda: T.RandomChoice([abs], p=3), TypeError, "Argument p should be a sequence"),
    (lambda: T.RandomCrop((1, 2, 3)), ValueError, r"Please provide only two dimensions \(h, w\) for size."),
    (lambda: T.RandomRotation(-1), ValueError, "If degrees is a single number, it must be positive."),
    (lambda: T.RandomRotation([1, 2, 3]), ValueError, "degrees should be a sequence of length 2."),
    (lambda: T.RandomRotation(1, center=[1]), ValueError, "center should be a sequence of length 2."),
    (lambda: T.RandomRotation(1, fill={}), TypeError, "Fill should be either a sequence or a number."),
    (lambda: T.ColorJitter(-1), ValueError, "If brightness is a single number, it must be non negative."),
    (lambda: T.ColorJitter(hue=0.7), ValueError, r"hue values should be between \(-0.5, 0.5\)"),
    (lambda: T.ColorJitter("x"), TypeError, "brightness should be a single number or a list/tuple with length 2."),
    (lambda: T.RandomErasing(value="x"), ValueError, "If value is str, it should be 'random'"),
    (lambda: T.RandomErasing(value=None), TypeError, "Argument value should be either a number or str or a sequence"),
    (lambda: T.RandomErasing(p=2), ValueError, "Random erasing probability should be between 0 and 1"),
    (lambda: T.RandomErasing(scale=(0, 2)), ValueError, "Scale should be between 0 and 1"),
    (lambda: T.RandomErasing(1.0, value=[1, 2])(FLOATS), ValueError, "either a single value or 3"),
    (lambda: T.RandomResizedCrop(3, scale=1), TypeError, "Scale should be a sequence"),
    (lambda: T.Pad(1, fill=None), TypeError, "Got inappropriate fill arg"),
    (lambda: T.Pad(None), TypeError, "Got inappropriate padding arg"),
    (lambda: T.Pad(1, padding_mode="x"), ValueError, "Padding mode should be"),
    (lambda: T.Pad([1, 2, 3]), ValueError, "not a 3 element tuple"),
    (lambda: T.ToPILImage()("x"), TypeError, "pic should be Tensor or ndarray. Got"),
    (lambda: T.ToPILImage()(np.ones(3)), ValueError, "pic should be 2/3 dimensional. Got 1 dimensions."),
    (lambda: T.ToPILImage()(np.ones((2, 2, 5))), ValueError, "pic should not have > 4 channels. Got 5 channels."),
    (lambda: T.ToPILImage()(np.ones((2, 2), complex)), TypeError, "Input type complex128 is not supported"),
    (lambda: T.ToPILImage("RGB")(GREY), ValueError, r"Incorrect mode \(RGB\) supplied for input type uint8"),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSALS)
def test_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call()
