"""How tensors are written out: PyTorch's rules for widths, modes, summaries, line breaks and suffixes."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rushlight import dtypes
from rushlight.quantizer import dequantized, quantizer_of

if TYPE_CHECKING:
    from rushlight.autograd.variable import Variable
    from rushlight.quantizer import Quantizer

__all__ = ["format_array", "format_tensor", "get_printoptions", "printoptions", "set_printoptions"]

Array = npt.NDArray[Any]


@dataclasses.dataclass
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_options = _Options()
_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed, from the next print on.

    Args:
        precision: digits after the decimal point (4 at the start).
        threshold: a tensor with more elements than this is summarised (1000).
        edgeitems: how many elements a summary keeps at each end of a dimension (3).
        linewidth: the characters of a line (80).
        profile: ``"default"``, ``"short"`` or ``"full"``: sets the four above, which given values then override.
        sci_mode: True for scientific notation, False for none, None to choose by the values. A call that does not
            give it sets it back to None.

    Raises ValueError for an unknown profile.

    >>> import rushlight as torch
    >>> torch.set_printoptions(precision=2)
    >>> torch.tensor([1.12345])
    tensor([1.12])
    >>> torch.set_printoptions(profile="default")

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.set_printoptions.html
    """
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"expected profile to be one of {', '.join(_PROFILES)}, got {profile!r}")
    changes = dict(_PROFILES[profile]) if profile is not None else {}
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes.update({name: value for name, value in given.items() if value is not None})
    for name, value in changes.items():
        setattr(_options, name, value)
    _options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The options of printing, as a dictionary that ``set_printoptions(**options)`` takes.

    >>> import rushlight as torch
    >>> torch.get_printoptions()["precision"]
    4

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.get_printoptions.html
    """
    return dataclasses.asdict(_options)


@contextlib.contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """Set the options of printing inside a ``with`` block; takes what :func:`set_printoptions` takes.

    >>> import numpy as np
    >>> from rushlight.printing import format_array, printoptions
    >>> with printoptions(precision=1):
    ...     print(format_array(np.array([1.25, 3.75])))
    [1.2, 3.8]

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/_tensor_str.py
    """
    saved = get_printoptions()
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        set_printoptions(**saved)


class _IntegerFormat:
    """Integers and booleans: right-aligned to the longest."""

    def __init__(self, values: Array) -> None:
        ends = [values.min().item(), values.max().item()] if values.size else []
        self.width = max([1, *(len(str(value)) for value in ends)])

    def __call__(self, value: Any) -> str:
        return str(value).rjust(self.width)


class _FloatFormat:
    """Floats in one of three modes, chosen from the finite nonzero values: whole numbers, fixed point, scientific."""

    def __init__(self, values: Array) -> None:
        finite = values[np.isfinite(values) & (values != 0)]
        self.width = 1
        self.whole = True
        self.scientific = False
        if not finite.size:
            return
        absolute = np.abs(finite)
        low, high = absolute.min().item(), absolute.max().item()
        self.whole = bool((finite == np.ceil(finite)).all())
        wide = high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4
        self.scientific = wide if _options.sci_mode is None else _options.sci_mode
        # Text grows with the magnitude (in exponents, as it leaves 1): the extremes of each sign are the longest.
        ends = [part[[part.argmin(), part.argmax()]] for part in (finite[finite > 0], finite[finite < 0]) if part.size]
        self.width = max(len(self._text(value)) for part in ends for value in part.tolist())

    def _text(self, value: float) -> str:
        if self.scientific:
            return f"{value:.{_options.precision}e}"
        if not self.whole:
            return f"{value:.{_options.precision}f}"
        return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"

    def __call__(self, value: float) -> str:
        return self._text(value).rjust(self.width)


class _ComplexFormat:
    """Complex numbers: real and imaginary parts, each column in its own mode."""

    def __init__(self, values: Array) -> None:
        self.real, self.imag = _FloatFormat(values.real), _FloatFormat(values.imag)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, value: complex) -> str:
        imag = f"{self.imag(value.imag)}j".lstrip()
        sign = "" if imag[0] in "+-" else "+"
        return f"{self.real(value.real)}{sign}{imag}"


def _edges(array: Array) -> Array:
    """The elements that a summary shows: the ends of each long dimension."""
    keep = _options.edgeitems
    spans = [
        np.r_[0:keep, length - keep : length] if length > 2 * keep else np.arange(length) for length in array.shape
    ]
    return array[np.ix_(*spans)] if spans else array


def _write_row(row: list[Any], indent: int, write: Any, elided: bool) -> str:
    texts = [write(value) for value in row]
    if elided:
        texts.insert(_options.edgeitems, " ..." if _options.edgeitems else "...")
    per_line = max(1, (_options.linewidth - indent) // (write.width + 2))
    lines = [", ".join(texts[start : start + per_line]) for start in range(0, len(texts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _write(values: Any, indent: int, write: Any, elided: list[bool]) -> str:
    """Nested lists as text; `elided` says for each dimension whether its middle was left out."""
    if not elided:
        return write(values)
    if len(elided) == 1:
        return _write_row(values, indent, write, elided[0])
    parts = [_write(part, indent + 1, write, elided[1:]) for part in values]
    if elided[0]:
        parts.insert(_options.edgeitems, "...")
    return "[" + ("," + "\n" * (len(elided) - 1) + " " * (indent + 1)).join(parts) + "]"


def _numbers_of(array: Array) -> Array:
    """What is shown of a type that nothing computes with; NotImplementedError for all but one of them."""
    kind = dtypes.from_numpy_dtype(array.dtype)
    if kind is not dtypes.float4_e2m1fn_x2:
        raise NotImplementedError(f"\"_local_scalar_dense_cpu\" not implemented for '{kind.legacy_name}'")
    return array.view(np.uint8).astype(np.float32)


def format_array(array: Array, indent: int = 0) -> str:
    """The brackets and numbers of a tensor's text; lines after the first are indented by `indent` and their depth.

    `array` may have any dtype that tensors have.

    >>> import numpy as np
    >>> from rushlight.printing import format_array
    >>> format_array(np.array([[1.5, 2.0]]))
    '[[1.5000, 2.0000]]'

    Source: https://github.com/pytorch/pytorch/blob/v2.13.0/torch/_tensor_str.py
    """
    if array.size == 0:
        return "[]"
    if array.dtype.metadata and not array.dtype.names:
        array = _numbers_of(array)
    elided = [False] * array.ndim
    if array.size > _options.threshold:
        elided = [length > 2 * _options.edgeitems for length in array.shape]
        array = _edges(array)
    kind = dtypes.from_numpy_dtype(array.dtype)
    write: _IntegerFormat | _FloatFormat | _ComplexFormat
    if kind.is_complex:
        array = array.astype(np.complex128)
        write = _ComplexFormat(array)
    elif kind.is_floating_point:
        # The least of the powers of two is shown as nothing.
        least = array.view(np.uint8) == 0 if kind is dtypes.float8_e8m0fnu else None
        array = array.astype(np.float64)
        if least is not None:
            array[least] = 0
        write = _FloatFormat(array)
    else:
        write = _IntegerFormat(array)
    return _write(array.tolist(), indent, write, elided)


def with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """A text begun, with what follows the numbers of a tensor, on new lines where it would be too long."""
    parts = [text]
    # One more than the line has, as PyTorch counts.
    length = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if length + len(suffix) + 2 > _options.linewidth:
            parts.append(",\n" + " " * indent + suffix)
            length = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            length += len(suffix) + 2
    return "".join(parts) + ")"


def _type_suffixes(tensor: Variable, empty: bool) -> list[str]:
    """What the numbers alone do not tell: the size of an empty tensor, a dtype that is not inferred from them."""
    default = dtypes.get_default_dtype()
    implied: tuple[dtypes.dtype, ...] = (default,)
    suffixes = []
    if empty:
        if tensor._array.ndim != 1:
            suffixes.append(f"size={tuple(tensor.shape)}")
    else:
        implied = (default, default.to_complex(), dtypes.int64, dtypes.bool)
        if not _options.edgeitems:
            suffixes.append(f"size={tuple(tensor.shape)}")
    if tensor.dtype not in implied:
        suffixes.append(f"dtype={tensor.dtype}")
    return suffixes


def _quantizer_suffixes(tensor: Variable, quantizer: Quantizer) -> list[str]:
    """What a quantized tensor's numbers do not tell."""
    suffixes = [
        f"size={tuple(tensor.shape)}",
        f"dtype={tensor.dtype}",
        f"quantization_scheme={quantizer.scheme}",
    ]
    if quantizer.axis is None:
        return [*suffixes, f"scale={quantizer.scale}", f"zero_point={quantizer.zero_point}"]
    for name, array in (("scale", quantizer.scale), ("zero_point", quantizer.zero_point)):
        kind = dtypes.from_numpy_dtype(array.dtype)
        usual = kind in (dtypes.get_default_dtype(), dtypes.int64)
        text = with_suffixes(f"tensor({format_array(array, 7)}", [] if usual else [f"dtype={kind}"], 7)
        suffixes.append(f"{name}={text}")
    return [*suffixes, f"axis={quantizer.axis}"]


def format_tensor(tensor: Variable, *, tensor_contents: str | None = None) -> str:
    """The text of a tensor, to the letter as PyTorch writes it.

    `tensor_contents` stands in for the numbers where a subclass writes its own.

    >>> import rushlight as torch
    >>> torch.arange(3.0, requires_grad=True)
    tensor([0., 1., 2.], requires_grad=True)

    Source: https://docs.pytorch.org/docs/2.13/tensors.html
    """
    from rushlight.nn.parameter import Parameter
    from rushlight.tensor import Tensor

    kind = type(tensor)
    plain = kind is Tensor or kind is Parameter
    prefix = "tensor(" if plain else f"{kind.__name__}("
    array = tensor._array
    suffixes = [f"device='{tensor.device}'"] if tensor.device.type != "cpu" else []
    quantizer = quantizer_of(array)
    if quantizer is None:
        suffixes += _type_suffixes(tensor, empty=array.size == 0)
    else:
        suffixes += _quantizer_suffixes(tensor, quantizer)
        array = dequantized(array)
    contents = format_array(array, len(prefix)) if tensor_contents is None else tensor_contents
    try:
        grad_fn = tensor.grad_fn
    except RuntimeError:
        # A view whose base was changed in a way that leaves it no history still has to print.
        suffixes.append("grad_fn=<Invalid>")
    else:
        if grad_fn is not None:
            suffixes.append(f"grad_fn=<{_node_name(grad_fn)}>")
        elif tensor.requires_grad:
            suffixes.append("requires_grad=True")
    text = with_suffixes(prefix + contents, suffixes, len(prefix))
    return f"Parameter({text})" if isinstance(tensor, Parameter) and not plain else text


def _node_name(node: Any) -> str:
    name = node.name() if callable(getattr(node, "name", None)) else type(node).__name__
    return str(name).rpartition("::")[2]
