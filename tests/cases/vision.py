"""Resampling, sampling by a grid, and rearranging images."""

from __future__ import annotations

from itertools import product
from typing import Any

from tests.cases.case import Case, Refusal, fixed, integers, normal, uniform


def resampling(name: str, shape: tuple[int, ...], smooth: bool = True, **options: Any) -> Case:
    return Case(f"interpolate {name}", lambda t: t.nn.functional.interpolate, (normal(*shape),), options, smooth=smooth)


def bytes_resampling(name: str, **options: Any) -> Case:
    pixels = integers(256, 1, 3, 5, 6)

    def make(t: Any) -> Any:
        return lambda image: t.nn.functional.interpolate(image.to(t.uint8), **options)

    return Case(f"interpolate bytes {name}", make, (pixels,))


def sampling(name: str, image: tuple[int, ...], *grid: int, low: float = -1.4, **options: Any) -> Case:
    places = uniform(low, -low, *grid)
    return Case(
        f"grid_sample {name}",
        lambda t: t.nn.functional.grid_sample,
        (normal(*image), fixed(places) if options["mode"] == "nearest" else places),
        options,
        # Places move over the borders between elements, where the slope jumps, within the rounding of 16 bits.
        halves=(),
    )


_LINE, _IMAGE, _VOLUME = (1, 2, 5), (1, 2, 3, 4), (1, 1, 3, 2, 3)

RESAMPLED = [
    *(resampling(f"{m} line", _LINE, size=8, mode=m) for m in ("nearest", "nearest-exact", "linear", "area")),
    *(
        resampling(f"{m} image", _IMAGE, size=(5, 3), mode=m)
        for m in ("nearest", "nearest-exact", "bilinear", "bicubic", "area")
    ),
    *(
        resampling(f"{m} volume", _VOLUME, size=(2, 3, 4), mode=m)
        for m in ("nearest", "nearest-exact", "trilinear", "area")
    ),
    resampling("linear corners", _LINE, size=3, mode="linear", align_corners=True),
    resampling("bilinear corners", _IMAGE, scale_factor=2, mode="bilinear", align_corners=True),
    resampling("bicubic corners", _IMAGE, size=(4, 2), mode="bicubic", align_corners=True),
    resampling("trilinear corners", _VOLUME, size=(2, 1, 4), mode="trilinear", align_corners=True),
    resampling("nearest doubled", _IMAGE, scale_factor=2),
    resampling("nearest halved", (2, 1, 4, 4), scale_factor=0.5),
    # PyTorch's backward takes the factor for 2 where its forward, of lines, does not.
    resampling("nearest almost doubled", (1, 1, 4), scale_factor=2.05, smooth=False),
    resampling("nearest almost doubled image", (1, 1, 4, 4), scale_factor=2.05),
    resampling("nearest of a large image", (1, 1, 2, 70), scale_factor=(1.0, 1.9)),
    resampling("one factor per dimension", _IMAGE, scale_factor=(1.5, 0.75), mode="bilinear"),
    resampling("list of factors", _IMAGE, scale_factor=[2.0, 1.0], mode="bicubic"),
    resampling("factor as it is", _IMAGE, scale_factor=1.7, mode="bilinear", recompute_scale_factor=False),
    resampling("factor recomputed", _IMAGE, scale_factor=1.7, mode="bilinear", recompute_scale_factor=True),
    # PyTorch's backward takes a factor that changes no size for 1, its forward doesn't.
    resampling("bicubic factor", _IMAGE, smooth=False, scale_factor=1.1, mode="bicubic"),
    resampling("area factor", (1, 1, 5, 5), scale_factor=0.5, mode="area"),
    resampling("to one element", _IMAGE, size=1, mode="bilinear"),
    resampling("from one element", (1, 2, 1, 1), size=3, mode="bicubic"),
    resampling("no samples", (0, 2, 3, 3), size=2, mode="bilinear"),
    resampling("antialiased bilinear", (1, 1, 7, 5), size=(3, 4), mode="bilinear", antialias=True),
    resampling("antialiased bicubic", (1, 1, 6, 7), size=(4, 3), mode="bicubic", antialias=True),
    resampling("antialiased corners", (1, 1, 6, 5), size=(3, 4), mode="bilinear", align_corners=True, antialias=True),
    resampling("antialiased enlarged", (1, 1, 3, 4), scale_factor=1.5, mode="bicubic", antialias=True),
    # Forward leaves an axis alone that keeps its size, backward doesn't.
    resampling("antialiased same size", (1, 1, 5, 4), False, scale_factor=(1.1, 1.6), mode="bilinear", antialias=True),
    resampling("lanczos", (1, 1, 7, 5), size=(3, 4), mode="lanczos", antialias=True),
    *(
        bytes_resampling(f"{mode}{' antialiased' if antialias else ''}", size=(3, 8), mode=mode, antialias=antialias)
        for mode, antialias in (*product(("bilinear", "bicubic"), (False, True)), ("lanczos", True))
    ),
    bytes_resampling("nearest", scale_factor=1.5),
    bytes_resampling("corners", size=(9, 4), mode="bilinear", align_corners=True),
]

UPSAMPLED = [
    Case("Upsample size", lambda t: t.nn.Upsample(size=(4, 5), mode="bilinear"), (normal(*_IMAGE),)),
    Case("Upsample factor", lambda t: t.nn.Upsample(scale_factor=2), (normal(*_LINE),)),
    Case("Upsample factors", lambda t: t.nn.Upsample(None, (2, 1.5), "bicubic", True), (normal(1, 1, 3, 4),)),
    Case(
        "Upsample recomputed",
        lambda t: t.nn.Upsample(scale_factor=1.7, mode="trilinear", recompute_scale_factor=True),
        (normal(1, 1, 2, 2, 3),),
    ),
    Case("UpsamplingNearest2d", lambda t: t.nn.UpsamplingNearest2d(scale_factor=2), (normal(*_IMAGE),)),
    Case("UpsamplingNearest2d size", lambda t: t.nn.UpsamplingNearest2d((2, 5)), (normal(*_IMAGE),)),
    Case("UpsamplingBilinear2d", lambda t: t.nn.UpsamplingBilinear2d(scale_factor=2), (normal(1, 1, 3, 4),)),
    Case("upsample", lambda t: t.nn.functional.upsample, (normal(*_IMAGE), (2, 5), None, "bilinear", True)),
    Case("upsample_nearest", lambda t: t.nn.functional.upsample_nearest, (normal(*_IMAGE), None, 2)),
    Case("upsample_bilinear", lambda t: t.nn.functional.upsample_bilinear, (normal(*_IMAGE), (2, 5))),
]

SAMPLED = [
    *(
        sampling(
            f"{mode} {padding}{' corners' if corners else ''}",
            (1, 2, 3, 4), 1, 2, 3, 2,
            mode=mode, padding_mode=padding, align_corners=corners,
        )
        for mode, padding, corners in product(
            ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (False, True)
        )
    ),
    *(
        sampling(
            f"volume {mode} {padding}", (1, 1, 2, 3, 2), 1, 2, 1, 2, 3,
            mode=mode, padding_mode=padding, align_corners=corners,
        )
        for mode, padding, corners in (
            ("bilinear", "zeros", False), ("bilinear", "border", True), ("bilinear", "reflection", False),
            ("nearest", "zeros", True),
        )
    ),
    sampling("two samples", (2, 1, 3, 3), 2, 2, 2, 2, mode="bilinear", align_corners=False),
    sampling("far outside", (1, 1, 2, 3), 1, 2, 3, 2, low=-7.3, mode="bicubic", padding_mode="reflection", align_corners=False),
    sampling("one pixel", (1, 1, 1, 1), 1, 2, 2, 2, mode="bilinear", padding_mode="border", align_corners=False),
    sampling("no samples", (0, 1, 3, 3), 0, 2, 2, 2, mode="bilinear", align_corners=False),
    sampling("no places", (1, 1, 3, 3), 1, 0, 2, 2, mode="bilinear", align_corners=False),
    Case("grid_sample default", lambda t: t.nn.functional.grid_sample, (normal(1, 1, 3, 3), uniform(-1, 1, 1, 2, 2, 2)), halves=()),
    Case("grid_sampler", lambda t: t.grid_sampler, (normal(1, 1, 3, 3), uniform(-1, 1, 1, 2, 2, 2), 0, 1, True), halves=()),
    Case("grid_sampler_2d", lambda t: t.grid_sampler_2d, (normal(1, 1, 3, 3), uniform(-1, 1, 1, 2, 2, 2), 2, 0, False), halves=()),
    Case(
        "grid_sampler_3d", lambda t: t.grid_sampler_3d,
        (normal(1, 1, 2, 2, 2), uniform(-1, 1, 1, 1, 2, 2, 3), 0, 0, False), halves=(),
    ),
    Case("affine_grid", lambda t: t.nn.functional.affine_grid, (normal(2, 2, 3), (2, 1, 3, 2), False)),
    Case("affine_grid corners", lambda t: t.nn.functional.affine_grid, (normal(1, 2, 3), [1, 1, 2, 3], True)),
    Case("affine_grid volume", lambda t: t.nn.functional.affine_grid, (normal(1, 3, 4), (1, 1, 2, 3, 2)), {"align_corners": False}),
    Case("affine_grid default", lambda t: t.nn.functional.affine_grid, (normal(1, 2, 3), (1, 1, 1, 2))),
    Case("affine_grid_generator", lambda t: t.affine_grid_generator, (normal(1, 3, 4), (1, 1, 1, 2, 3), True)),
]  # fmt: skip

SHUFFLED = [
    Case("PixelShuffle", lambda t: t.nn.PixelShuffle(2), (normal(1, 8, 1, 2),)),
    Case("PixelShuffle one sample", lambda t: t.nn.PixelShuffle(2), (normal(4, 2, 3),)),
    Case("PixelUnshuffle", lambda t: t.nn.PixelUnshuffle(2), (normal(2, 1, 2, 4),)),
    Case("ChannelShuffle", lambda t: t.nn.ChannelShuffle(2), (normal(2, 6, 1, 2),)),
    Case("pixel_shuffle", lambda t: t.nn.functional.pixel_shuffle, (normal(1, 2, 9, 1, 1), 3)),
    Case("pixel_shuffle no samples", lambda t: t.pixel_shuffle, (fixed(normal(0, 4, 2, 2)), 2)),
    Case("pixel_unshuffle", lambda t: t.nn.functional.pixel_unshuffle, (normal(2, 4, 2),), {"downscale_factor": 2}),
    Case("channel_shuffle", lambda t: t.channel_shuffle, (normal(1, 6, 2),), {"groups": 3}),
    Case("native_channel_shuffle", lambda t: t.native_channel_shuffle, (fixed(normal(1, 4, 2)), 2)),
    Case("channel_shuffle of integers", lambda t: t.nn.functional.channel_shuffle, (integers(9, 1, 4, 2), 2)),
]

CASES = [*RESAMPLED, *UPSAMPLED, *SAMPLED, *SHUFFLED]


def _interpolate(name: str, shape: tuple[int, ...], error: type[Exception], match: str, **options: Any) -> Refusal:
    return Refusal(
        f"interpolate {name}", lambda t: t.nn.functional.interpolate(t.zeros(shape), **options), error, match
    )


def _sample(name: str, image: tuple[int, ...], grid: tuple[int, ...], match: str, **options: Any) -> Refusal:
    error = ValueError if "but got: '" in match else RuntimeError
    return Refusal(
        f"grid_sample {name}",
        lambda t: t.nn.functional.grid_sample(t.zeros(image), t.zeros(grid), **{"align_corners": False, **options}),
        error,
        match,
    )


REFUSALS = [
    _interpolate("nothing", _IMAGE, ValueError, "either size or scale_factor should be defined"),
    _interpolate("both", _IMAGE, ValueError, "only one of size or scale_factor", size=2, scale_factor=2),
    _interpolate("corners", _IMAGE, ValueError, "align_corners option can only be set", size=2, align_corners=False),
    _interpolate("sizes", _IMAGE, ValueError, r"output size of \(2,\)", size=(2,)),
    _interpolate("factors", _IMAGE, ValueError, r"scale_factor of shape \[2\.0\]", scale_factor=[2.0]),
    _interpolate("size of floats", _IMAGE, TypeError, "expected size to be one of int", size=(2, 2.5)),
    _interpolate("size a float", _IMAGE, TypeError, "'size' must be int", size=2.5),
    _interpolate("factor a word", _IMAGE, TypeError, "'scale_factor' must be float", scale_factor="2"),
    _interpolate("factor NaN", _IMAGE, RuntimeError, "without overflow", scale_factor=float("nan")),
    _interpolate(
        "recomputed", _IMAGE, ValueError, "not meaningful with an explicit size", size=2, recompute_scale_factor=True
    ),
    _interpolate("antialias", _IMAGE, ValueError, "Anti-alias option is restricted", size=2, antialias=True),
    _interpolate(
        "antialias line", _LINE, ValueError, "requires a 4-D tensor", size=2, mode="bilinear", antialias=True
    ),
    _interpolate("lanczos", _IMAGE, ValueError, "requires antialias=True", size=2, mode="lanczos"),
    _interpolate(
        "lanczos corners", _IMAGE, ValueError, "does not support align_corners=True",
        size=2, mode="lanczos", antialias=True, align_corners=True,
    ),
    _interpolate("rank", (2, 3), NotImplementedError, r"\(got 2D\)", size=2),
    _interpolate("mode", _IMAGE, NotImplementedError, r"\(got cubic\)", size=2, mode="cubic"),
    _interpolate("linear image", _IMAGE, NotImplementedError, "Got 4D input, but linear mode needs 3D", size=2, mode="linear"),
    _interpolate("bilinear line", _LINE, NotImplementedError, "Got 3D input, but bilinear mode needs 4D", size=2, mode="bilinear"),
    _interpolate("trilinear line", _LINE, NotImplementedError, "Got 3D input, but trilinear mode needs 5D", size=2, mode="trilinear"),
    _interpolate("bicubic volume", _VOLUME, NotImplementedError, r"\(got 5D\)", size=2, mode="bicubic"),
    _interpolate("size 0", _IMAGE, RuntimeError, r"input \(H: 3, W: 4\) output \(H: 0, W: 2\)", size=(0, 2)),
    _interpolate("size 0 of a line", _LINE, RuntimeError, r"input \(W: 5\) and output \(W: 0\)", size=0, mode="linear"),
    _interpolate("factor 0", _IMAGE, RuntimeError, "should be greater than 0", scale_factor=0.1),
    _interpolate("empty image", (1, 2, 0, 3), RuntimeError, "should be greater than 0", size=2, mode="bilinear"),
    _interpolate("no channels", (1, 0, 3, 3), RuntimeError, "Non-empty 4D data tensor expected", size=2),
    Refusal(
        "interpolate integers", lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2, 2, dtype=t.int64), 3),
        NotImplementedError, "not implemented for 'Long'",
    ),
    Refusal(
        "interpolate bytes of a line",
        lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2, dtype=t.uint8), 3, mode="linear"),
        NotImplementedError, "\"compute_indices_weights_linear\" not implemented for 'Byte'",
    ),
    Refusal(
        "interpolate halves antialiased",
        lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2, 2).half(), 3, mode="bilinear", antialias=True),
        NotImplementedError, "\"compute_index_ranges_weights\" not implemented for 'Half'",
    ),
    _sample("mode", (1, 1, 2, 2), (1, 1, 1, 2), "expected mode .* but got: 'cubic'", mode="cubic"),
    _sample("padding", (1, 1, 2, 2), (1, 1, 1, 2), "expected padding_mode .* but got: 'mirror'", padding_mode="mirror"),
    _sample("batch", (1, 1, 2, 2), (2, 1, 1, 2), "same batch size"),
    _sample("coordinates", (1, 1, 2, 2), (1, 1, 1, 3), "size 2 in last dimension"),
    _sample("volume", (1, 1, 2, 2, 2), (1, 1, 1, 2), "size 3 in last dimension"),
    _sample("rank of the grid", (1, 1, 2, 2), (1, 1, 1, 1, 2), "expected 4D or 5D input and grid"),
    _sample("empty", (1, 1, 0, 2), (1, 1, 1, 2), "with dimension 2 being empty"),
    _sample("bicubic volume", (1, 1, 2, 2, 2), (1, 1, 1, 1, 3), "only supports 4D input", mode="bicubic"),
    Refusal(
        "grid_sample dtypes",
        lambda t: t.nn.functional.grid_sample(t.zeros(1, 1, 2, 2), t.zeros(1, 1, 1, 2).double(), align_corners=False),
        RuntimeError, "expected scalar type Float but found Double",
    ),
    Refusal(
        "grid_sample integers",
        lambda t: t.nn.functional.grid_sample(t.ones(1, 1, 2, 2).long(), t.ones(1, 1, 1, 2).long(), align_corners=True),
        NotImplementedError, "not implemented for 'Long'",
    ),
    Refusal("grid_sample number", lambda t: t.nn.functional.grid_sample(1, t.ones(1, 1, 1, 2)), TypeError, "must be Tensor"),
    Refusal(
        "grid_sampler_3d image", lambda t: t.grid_sampler_3d(t.zeros(1, 1, 2, 2), t.zeros(1, 1, 1, 2), 0, 0, False),
        RuntimeError, "expected 5D input",
    ),
    Refusal(
        "affine_grid integers", lambda t: t.nn.functional.affine_grid(t.ones(1, 2, 3).long(), (1, 1, 2, 2), True),
        ValueError, "floating point type, but got .*int64",
    ),
    Refusal(
        "affine_grid matrices", lambda t: t.nn.functional.affine_grid(t.ones(1, 2, 4), (1, 1, 2, 2), True),
        ValueError, "2D affine matrices of shape Nx2x3",
    ),
    Refusal(
        "affine_grid size", lambda t: t.nn.functional.affine_grid(t.ones(1, 2, 3), (1, 1, 2), True),
        NotImplementedError, "only supports 4D and 5D sizes",
    ),
    Refusal(
        "affine_grid empty", lambda t: t.nn.functional.affine_grid(t.ones(1, 2, 3), (1, 1, 0, 2), True),
        ValueError, "non-zero, positive output size",
    ),
    Refusal(
        "affine_grid batch", lambda t: t.nn.functional.affine_grid(t.ones(1, 2, 3), (2, 1, 2, 2), True),
        RuntimeError, r"but got \[1, 2, 3\]",
    ),
    Refusal("affine_grid_generator size", lambda t: t.affine_grid_generator(t.ones(1, 2, 3), (1, 2), True), RuntimeError, "4d"),
    Refusal("pixel_shuffle rank", lambda t: t.pixel_shuffle(t.ones(2, 2), 2), RuntimeError, "at least 3 dimensions"),
    Refusal("pixel_shuffle channels", lambda t: t.pixel_shuffle(t.ones(3, 2, 2), 2), RuntimeError, "not divisible by 4"),
    Refusal("pixel_shuffle factor", lambda t: t.nn.PixelShuffle(0)(t.ones(4, 2, 2)), RuntimeError, "positive upscale_factor"),
    Refusal("pixel_shuffle float", lambda t: t.pixel_shuffle(t.ones(4, 2, 2), 2.0), TypeError, "must be int, not float"),
    Refusal("pixel_unshuffle rank", lambda t: t.pixel_unshuffle(t.ones(2, 2), 2), RuntimeError, "at least 3 dimensions"),
    Refusal("pixel_unshuffle height", lambda t: t.pixel_unshuffle(t.ones(1, 3, 4), 2), RuntimeError, r"height .*size\(-2\)=3"),
    Refusal("pixel_unshuffle width", lambda t: t.pixel_unshuffle(t.ones(1, 4, 3), 2), RuntimeError, r"width .*size\(-1\)=3"),
    Refusal("pixel_unshuffle factor", lambda t: t.nn.PixelUnshuffle(-1)(t.ones(1, 4, 4)), RuntimeError, "positive downscale"),
    Refusal("channel_shuffle rank", lambda t: t.channel_shuffle(t.ones(2, 4), 2), RuntimeError, "input with > 2 dims"),
    Refusal("channel_shuffle channels", lambda t: t.nn.ChannelShuffle(2)(t.ones(1, 3, 2)), RuntimeError, "Got 3 channels and 2"),
    Refusal("channel_shuffle groups", lambda t: t.channel_shuffle(t.ones(1, 3, 2), 0), RuntimeError, "must be positive"),
]  # fmt: skip
