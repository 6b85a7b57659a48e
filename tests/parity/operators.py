"""PyTorch's own table of operators and their sample inputs, run on Rushlight and on the PyTorch installed here.

`python -m tests.parity.operators [NAME …] [--dtype float32 …] [--check values forms errors …]` prints, for each
operator whose name begins so, what differs. tests/parity/test_operators.py runs all of it, less what
operator_differences.toml explains.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db, wrapper_set_seed

import rushlight
from rushlight.ops.slicing import slice_
from tests.parity.programs import leaves

DTYPES = (
    "float64", "complex128", "float32", "complex64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8",
    "bool",
)  # fmt: skip
DIFFERENTIATED = ("float64", "complex128")
TOLERANCES = {
    "float64": 1e-9, "complex128": 1e-9, "float32": 3e-5, "complex64": 3e-5, "float16": 2e-3, "complex32": 2e-3, "bfloat16": 1.6e-2,
}  # fmt: skip
# How many samples of an operator are run, by hand; the test suite takes every fourth of them.
MOST_SAMPLES = {"float64": 60, "complex128": 30, "float32": 30}
FEW_SAMPLES = 12
thinning = 1

# Operators of PyTorch's table that are no names a program calls, or of other devices.
LEFT_OUT = {
    "jiterator_unary": "compiled for CUDA",
    "jiterator_binary": "compiled for CUDA",
    "jiterator_4inputs_with_extra_args": "compiled for CUDA",
    "jiterator_binary_return_by_ref": "compiled for CUDA",
    "jiterator_2inputs_2outputs": "compiled for CUDA",
    "bmm.triton_optimized": "compiled for CUDA",
    "torch.ops.aten._flash_attention_forward": "a kernel of CUDA",
    "torch.ops.aten._efficient_attention_forward": "a kernel of CUDA",
    "nn.functional.batch_norm.without_cudnn": "CUDA",
    "torch.ops.aten._safe_softmax.default": "PyTorch's dispatcher",
    "_unsafe_masked_index": "private",
    "_unsafe_masked_index_put_accumulate": "private",
    "_softmax_backward_data": "private",
    "_native_batch_norm_legit": "private",
    "_batch_norm_with_update": "private",
    "_upsample_bilinear2d_aa": "private",
    "_chunk_cat": "private",
    "torch._scaled_mm": "private",
    "torch._scaled_mm_v2": "private",
    "native_dropout_backward": "PyTorch's dispatcher",
    "max_pool2d_with_indices_backward": "PyTorch's dispatcher",
}
# Their elements are whatever the memory held.
UNINITIALISED = {
    "empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided", "resize_", "resize_as_",
}  # fmt: skip


def _adjoint(a: Any) -> Any:
    return a.conj().swapaxes(-2, -1)


def _svd(u: Any, s: Any, vh: Any) -> list[Any]:
    k = s.shape[-1]
    return [s, (u[..., :k] * s[..., None, :]) @ vh[..., :k, :], _adjoint(u) @ u, vh @ _adjoint(vh)]


def _eigenvectors(values: Any, vectors: Any) -> list[Any]:
    whole = (vectors * values[..., None, :]) @ np.linalg.inv(vectors)
    return [values, whole, np.linalg.norm(vectors, axis=-2)]


def _qr(q: Any, r: Any) -> list[Any]:
    return [np.abs(r)] if not q.size else [np.abs(r), q @ r, _adjoint(q) @ q]


# Of vectors that are determined up to a sign or phase, or span what no value belongs to, LAPACKs give what they like:
# what is made of them is compared.
DETERMINED: dict[str, Callable[..., list[Any]]] = {
    "linalg.eig": _eigenvectors,
    "linalg.eigh": _eigenvectors,
    "linalg.svd": _svd,
    "svd": lambda u, s, v: _svd(u, s, _adjoint(v)),
    "svd_lowrank": lambda u, s, v: _svd(u, s, _adjoint(v)),
    "pca_lowrank": lambda u, s, v: _svd(u, s, _adjoint(v)),
    "linalg.qr": _qr,
    "qr": _qr,
}

# What PyTorch says where it has no second derivative, or fails to find that it has one.
LACKING = ("is not implemented", "Expected a proper Tensor but got None")

OPERATORS = {op.full_name: op for op in op_db if op.full_name not in LEFT_OUT}


@functools.cache
def _paths() -> dict[int, str]:
    """Where a function of PyTorch is found, by its identity."""
    homes = {
        "Tensor": torch.Tensor, "": torch, "nn.functional": torch.nn.functional, "linalg": torch.linalg,
        "fft": torch.fft, "special": torch.special, "signal.windows": torch.signal.windows, "masked": torch.masked,
        "sparse": torch.sparse,
    }  # fmt: skip
    found = {}
    for home, owner in homes.items():
        for name in dir(owner):
            thing = getattr(owner, name)
            if callable(thing):
                found[id(thing)] = f"{home}.{name}".strip(".")
    return found


def _reached(path: str) -> Any:
    """The thing of that path in Rushlight."""
    thing: Any = rushlight
    for part in path.split("."):
        thing = getattr(thing, part)
    return thing


def translated(thing: Any) -> Any:
    """The same function of Rushlight: found by its path, or, of one written for the table, with `torch` replaced."""
    if isinstance(thing, functools.partial):
        return functools.partial(translated(thing.func), *ours(thing.args), **ours(thing.keywords))
    if thing is wrapper_set_seed:
        return _seeded
    if thing in (torch.ops.aten.slice, torch.ops.aten.slice.Tensor):
        return slice_
    path = _paths().get(id(thing))
    if path is None and isinstance(thing, types.MethodDescriptorType | types.WrapperDescriptorType):
        path = f"Tensor.{thing.__name__}"
    if path is not None:
        return _reached(path)
    if isinstance(thing, types.FunctionType):
        return _rebuilt(thing)
    return thing


def _seeded(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call with the seed that the table's samples are drawn with."""
    rushlight.manual_seed(42)
    return function(*arguments, **options)


def _rebuilt(function: types.FunctionType) -> Any:
    names = {
        name: rushlight if value is torch else translated(value) if callable(value) else value
        for name, value in function.__globals__.items()
        if name in _names(function.__code__)
    }
    cells = tuple(types.CellType(_cell(c.cell_contents)) for c in function.__closure__ or ())
    made = types.FunctionType(
        function.__code__,
        {"__builtins__": __builtins__, **names},
        function.__name__,
        ours(function.__defaults__),
        cells,
    )
    made.__kwdefaults__ = ours(function.__kwdefaults__)
    return made


def _names(code: types.CodeType) -> set[str]:
    """The global names that a function uses, those within it too."""
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*inner)


def _cell(value: Any) -> Any:
    return rushlight if value is torch else translated(value) if callable(value) else ours(value)


def ours(value: Any) -> Any:
    """An argument of PyTorch's table as Rushlight's."""
    if isinstance(value, torch.Tensor):
        return ours_of_tensor(value)
    if isinstance(value, torch.dtype):
        return getattr(rushlight, str(value).removeprefix("torch."))
    if isinstance(value, torch.device):
        return rushlight.device(str(value))
    if isinstance(value, torch.layout | torch.memory_format):
        return getattr(rushlight, str(value).removeprefix("torch."))
    if isinstance(value, torch.Generator):
        return rushlight.Generator().manual_seed(value.initial_seed())
    if isinstance(value, torch.Size):
        return rushlight.Size(value)
    if type(value) in (tuple, list):
        return type(value)(map(ours, value))
    if isinstance(value, dict):
        return {key: ours(one) for key, one in value.items()}
    if isinstance(value, torch.nn.Module) or (dataclasses.is_dataclass(value) and not isinstance(value, type)):
        return ours_of_settings(value)
    if isinstance(value, slice):
        return slice(ours(value.start), ours(value.stop), ours(value.step))
    return value


# The memory, by its address, and the tensors, by their identity, that were translated inside `sharing()`.
_translated: dict[tuple[str, int], Any] | None = None


@contextlib.contextmanager
def sharing() -> Iterator[None]:
    """Within it, tensors translated share memory where PyTorch's do."""
    global _translated
    _translated = {}
    try:
        yield
    finally:
        _translated = None


def ours_of_settings(value: Any) -> Any:
    """A layer without parameters, or a set of options: the same class with the same attributes."""
    kind = _reached(f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("torch."))
    if dataclasses.is_dataclass(value):
        return kind(**{f.name: ours(getattr(value, f.name)) for f in dataclasses.fields(value)})
    made = kind()
    for name, attribute in vars(value).items():
        if not name.startswith("_"):
            setattr(made, name, ours(attribute))
    return made


def ours_of_tensor(value: Any) -> Any:
    """A tensor of the same numbers, type and strides."""
    if _translated is None:
        return _translation(value)
    key = "tensor", id(value)
    if key not in _translated:
        _translated[key] = _translation(value)
    return _translated[key]


def _memory_of(plain: Any) -> Any:
    """The memory of a tensor of PyTorch's as one of Rushlight's."""
    key = "memory", plain.untyped_storage().data_ptr()
    if _translated is not None and key in _translated:
        return _translated[key]
    # Copied, since memory that NumPy saw can't be resized.
    memory = torch.empty(0, dtype=plain.dtype).set_(plain.untyped_storage()).clone()
    if memory.dtype in (torch.bfloat16, torch.float16):
        made = rushlight.from_numpy(memory.float().numpy()).to(getattr(rushlight, type_name(plain)))
    else:
        made = rushlight.from_numpy(memory.numpy())
    if _translated is not None and key[1]:
        _translated[key] = made
    return made


def _translation(value: Any) -> Any:
    if value.layout is not torch.strided:
        return _sparse_translation(value.detach()).requires_grad_(value.requires_grad)
    plain = value.detach().resolve_conj().resolve_neg()
    # The whole memory, of which the tensor may be a part.
    made = _memory_of(plain)
    if plain.is_contiguous() and plain.numel() == made.numel():
        made = made.reshape(tuple(plain.shape))
    else:
        made = made.as_strided(tuple(plain.shape), plain.stride(), plain.storage_offset())
    return made.detach().requires_grad_(value.requires_grad)


def _sparse_translation(value: Any) -> Any:
    if value.layout is torch.sparse_coo:
        parts = ours(value._indices()), ours(value._values())
        return rushlight.sparse_coo_tensor(*parts, value.shape, is_coalesced=value.is_coalesced())
    by_row = value.layout in (torch.sparse_csr, torch.sparse_bsr)
    names = ("crow_indices", "col_indices") if by_row else ("ccol_indices", "row_indices")
    indices = [ours(getattr(value, name)()) for name in names]
    return rushlight.sparse_compressed_tensor(*indices, ours(value.values()), value.shape, layout=ours(value.layout))


def plain(tensor: Any) -> Any:
    """A tensor's numbers; 16-bit ones widened."""
    tensor = tensor.detach()
    if tensor.layout not in (torch.strided, rushlight.strided):
        tensor = tensor.to_dense()
    tensor = tensor.resolve_conj().resolve_neg()
    if isinstance(tensor, torch.Tensor) and tensor._is_zerotensor():
        tensor = tensor.clone()
    if type_name(tensor) == "complex32":
        return tensor.cfloat().numpy().copy()
    return (tensor.float() if tensor.element_size() == 2 and tensor.is_floating_point() else tensor).numpy().copy()


def type_name(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def agree(name: str, a: Any, b: Any, tolerance: float) -> None:
    """Assert that two arrays are of one shape and type and agree, up to `tolerance` times the largest number."""
    assert a.shape == b.shape, f"{name}: shape {a.shape}, expected {b.shape}"
    assert a.dtype == b.dtype, f"{name}: dtype {a.dtype}, expected {b.dtype}"
    if b.dtype.kind not in "fc":
        np.testing.assert_array_equal(a, b, err_msg=name)
        return
    finite = np.abs(b[np.isfinite(b)])
    scale = max(1.0, float(finite.max(initial=0)))
    # Infinite complex numbers divided by a real one are partly NaN, in both.
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(a / scale, b / scale, rtol=tolerance, atol=tolerance, err_msg=name)


def compare(label: str, a: Any, b: Any, tolerance: float, operator_name: str = "", values: bool = True) -> None:
    """Assert that what two libraries gave is the same: the numbers, or of some operators what is made of them."""
    mine, theirs = list(leaves(a)), list(leaves(b))
    assert len(mine) == len(theirs), f"{label}: {len(mine)} tensors, expected {len(theirs)}"
    if not theirs:
        same = a == b if not isinstance(b, torch.Size) else tuple(a) == tuple(b)
        if isinstance(b, float | complex):
            same = np.allclose(a, b, tolerance, tolerance, equal_nan=True)
        assert same, f"{label}: {a!r}, expected {b!r}"
    for i, (x, y) in enumerate(zip(mine, theirs, strict=True)):
        assert type_name(x) == type_name(y), f"{label}: result {i} is {type_name(x)}, expected {type_name(y)}"
        assert x.requires_grad == y.requires_grad, f"{label}: result {i} requires_grad {x.requires_grad}"
        assert tuple(x.shape) == tuple(y.shape), f"{label}: shape {tuple(x.shape)}, expected {tuple(y.shape)}"
    if not values or not theirs:
        return
    closest = max(tolerance, *(TOLERANCES.get(type_name(y), 0.0) for y in theirs))
    found = [list(map(plain, results)) for results in (mine, theirs)]
    if operator_name in DETERMINED:
        found = [DETERMINED[operator_name](*arrays) for arrays in found]
    for i, (x, y) in enumerate(zip(*found, strict=True)):
        agree(f"{label}: result {i}", x, y, closest)


def weighted(t: Any, results: list[Any]) -> Any:
    """A real number in which every element has a part of its own."""
    total = None
    for out in results:
        if out.requires_grad:
            weights = (1 + 0.1 * t.arange(out.numel(), dtype=t.float64)).reshape(tuple(out.shape))
            parts = (out.real, out.imag) if out.is_complex() else (out,)
            for k, part in enumerate(parts):
                part = ((1 + k) * part * weights.to(part.dtype)).sum()
                total = part if total is None else total + part
    return total


def gradients(t: Any, results: list[Any], inputs: list[Any], create_graph: bool = False) -> list[Any]:
    total = weighted(t, results)
    if total is None:
        return []
    found = list(t.autograd.grad(total, inputs, create_graph=create_graph, allow_unused=True))
    # Where nothing depends on an input, one may say None and the other zeros.
    return [t.zeros_like(i) if g is None else g for g, i in zip(found, inputs, strict=True)]


def supported(op: Any, dtype: str) -> bool:
    return getattr(torch, dtype) in op.dtypes


def samples(op: Any, dtype: str, requires_grad: bool = False, most: int | None = None) -> list[Any]:
    """PyTorch's samples of an operator: no more than `most`, spread over all."""
    torch.manual_seed(0)
    np.random.seed(0)
    with warnings.catch_warnings():
        # Some are made by functions that PyTorch itself warns of.
        warnings.simplefilter("ignore")
        found = list(op.sample_inputs("cpu", getattr(torch, dtype), requires_grad=requires_grad))
    most = max(3, (MOST_SAMPLES.get(dtype, FEW_SAMPLES) if most is None else most) // thinning)
    return found if len(found) <= most else [found[i * len(found) // most] for i in range(most)]


def outcome(function: Callable[..., Any], t: Any, *arguments: Any, **options: Any) -> Any:
    """What a call gives, or the exception."""
    t.manual_seed(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*arguments, **options)
        except Exception as error:
            return error


def same_outcome(label: str, mine: Any, theirs: Any) -> bool:
    """Whether both gave results; AssertionError if one only did, or an exception of another type came."""
    if isinstance(theirs, Exception):
        assert isinstance(mine, Exception), f"{label}: PyTorch raises {theirs!r:.200}"
        assert isinstance(mine, type(theirs)), f"{label}: {mine!r:.200}, PyTorch raises {theirs!r:.200}"
        return False
    if isinstance(mine, Exception):
        raise AssertionError(f"{label}: {type(mine).__name__}: {str(mine)[:300]}") from mine
    return True


def described(sample: Any) -> str:
    def one(v: Any) -> str:
        if isinstance(v, torch.Tensor):
            return f"{type_name(v)}{list(v.shape)}"
        return f"[{', '.join(map(one, v))}]" if isinstance(v, tuple | list) else repr(v)

    options = [f"{k}={one(v)}" for k, v in sample.kwargs.items()]
    return f"({', '.join([one(sample.input), *map(one, sample.args), *options])})"[:300]


def check_values(op: Any, dtype: str) -> None:
    """Results on every sample, and of float64 and complex128 the first and second derivatives."""
    function = translated(op.op)
    differentiate = dtype in DIFFERENTIATED and op.supports_autograd
    tolerance = TOLERANCES.get(dtype, 0.0)
    for sample in samples(op, dtype, requires_grad=differentiate):
        label = described(sample)
        arguments = ours((sample.input, *sample.args)), ours(sample.kwargs)
        theirs = outcome(op.op, torch, sample.input, *sample.args, **sample.kwargs)
        mine = outcome(function, rushlight, *arguments[0], **arguments[1])
        if not same_outcome(label, mine, theirs):
            continue
        compare(label, mine, theirs, tolerance, op.name, op.name not in UNINITIALISED)
        if differentiate:
            process = sample.output_process_fn_grad
            pairs = (
                (torch, process(theirs), (sample.input, *sample.args, sample.kwargs)),
                (rushlight, translated(process)(mine), arguments),
            )
            compare_derivatives(label, op, pairs, tolerance)


def compare_derivatives(label: str, op: Any, pairs: Any, tolerance: float) -> None:
    found: list[Any] = []
    for t, results, arguments in pairs:
        inputs = [x for x in leaves(arguments) if x.requires_grad and x.is_leaf]
        kept = list(leaves(results))
        first = outcome(gradients, t, t, kept, inputs, create_graph=op.supports_gradgrad)
        second: Any = []
        if not isinstance(first, Exception) and op.supports_gradgrad and t_any(first):
            second = outcome(gradients, t, t, [g for g in first if g.requires_grad], inputs)
        found.append((first, second))
    (theirs, theirs2), (mine, mine2) = found
    for name, a, b, factor in (("gradient", mine, theirs, 1), ("second derivative", mine2, theirs2, 10)):
        if name == "second derivative" and isinstance(b, Exception) and any(w in str(b) for w in LACKING):
            return
        if not same_outcome(f"{label}: {name}", a, b):
            return
        if bool(a) != bool(b):
            # One library sees that nothing is left to differentiate, the other gives zeros.
            assert all(not np.any(plain(x)) for x in [*a, *b]), f"{label}: {name} missing"
            return
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert type_name(x) == type_name(y), f"{label}: {name} {i} is {type_name(x)}, expected {type_name(y)}"
            agree(f"{label}: {name} {i}", plain(x), plain(y), tolerance * factor)


def t_any(found: list[Any]) -> bool:
    return any(g.requires_grad for g in found)


def check_forms(op: Any, dtype: str) -> None:
    """As a method, in place, with `out=`, on inputs that aren't contiguous: the same results and errors."""
    forms = {
        "method": (op.method_variant, False),
        "in place": (op.inplace_variant, True),
    }
    values = op.name not in UNINITIALISED
    tolerance = TOLERANCES.get(dtype, 0.0)
    for sample in samples(op, dtype, most=FEW_SAMPLES):
        label = described(sample)
        for name, (theirs_of, in_place) in forms.items():
            if theirs_of is None:
                continue
            given = sample.input.clone() if in_place and isinstance(sample.input, torch.Tensor) else sample.input
            arguments, options = ours((given, *sample.args)), ours(sample.kwargs)
            theirs = outcome(theirs_of, torch, given, *sample.args, **sample.kwargs)
            mine = outcome(translated(theirs_of), rushlight, *arguments, **options)
            if same_outcome(f"{name}{label}", mine, theirs):
                compare(f"{name}{label}", mine, theirs, tolerance, op.name, values)
        if any(x.layout is not torch.strided for x in leaves((sample.input, sample.args))):
            continue  # Sparse tensors have no strides.
        stepped = sample.noncontiguous()
        theirs = outcome(op.op, torch, stepped.input, *stepped.args, **stepped.kwargs)
        mine = outcome(translated(op.op), rushlight, *ours((stepped.input, *stepped.args)), **ours(stepped.kwargs))
        if same_outcome(f"stepped{label}", mine, theirs):
            compare(f"stepped{label}", mine, theirs, tolerance, op.name, values)
        if op.supports_out:
            compare_out(op, sample, label, tolerance)


def compare_out(op: Any, sample: Any, label: str, tolerance: float) -> None:
    """Results written into tensors of the right shape, of none, and of another type."""
    expected = outcome(op.op, torch, sample.input, *sample.args, **sample.kwargs)
    if isinstance(expected, Exception) or not list(leaves(expected)):
        return
    if not isinstance(expected, torch.Tensor) and not all(isinstance(r, torch.Tensor) for r in expected):
        return  # histogramdd, which has no `out`
    makers: dict[str, Callable[[Any], Any]] = {
        "right": lambda r: torch.full_like(r, 1),
        "empty": lambda r: torch.empty(0, dtype=r.dtype),
        "integers": lambda r: torch.ones(r.shape, dtype=torch.int64),
    }
    for name, make in makers.items():
        made = make(expected) if isinstance(expected, torch.Tensor) else type(expected)(map(make, expected)) \
            if type(expected) in (tuple, list) else tuple(map(make, expected))  # fmt: skip
        mine_out, options = ours(made), ours(sample.kwargs)
        theirs = outcome(op.op, torch, sample.input, *sample.args, **sample.kwargs, out=made)
        mine = outcome(translated(op.op), rushlight, *ours((sample.input, *sample.args)), **options, out=mine_out)
        if same_outcome(f"out={name}{label}", mine, theirs) and op.name not in UNINITIALISED:
            compare(f"out={name}{label}", mine_out, made, tolerance, op.name)


def check_errors(op: Any, dtype: str) -> None:
    """What PyTorch's table says must be refused is refused, with that type of exception."""
    if op.error_inputs_func is None:
        return
    function = translated(op.op)
    for error in op.error_inputs("cpu"):
        sample = error.sample_input
        if any(x.ndim > 64 for x in leaves((sample.input, sample.args))):
            # NumPy's arrays have 64 dimensions at the most.
            continue
        label = described(sample)
        with sharing():
            arguments, options = ours((sample.input, *sample.args)), ours(sample.kwargs)
        theirs = outcome(op.op, torch, sample.input, *sample.args, **sample.kwargs)
        mine = outcome(function, rushlight, *arguments, **options)
        same_outcome(f"refused {label}", mine, theirs)


def check_forward(op: Any, dtype: str) -> None:
    """The tangents of forward mode."""
    from tests.parity import transformed

    transformed.check_forward(op, dtype)


def check_vmap(op: Any, dtype: str) -> None:
    """A batch of samples by `vmap`."""
    from tests.parity import transformed

    transformed.check_vmap(op, dtype)


CHECKS: dict[str, Callable[[Any, str], None]] = {
    "values": check_values,
    "forms": check_forms,
    "errors": check_errors,
    "forward": check_forward,
    "vmap": check_vmap,
}


def work(names: list[str] | None = None, dtypes: tuple[str, ...] = DTYPES) -> Iterator[tuple[str, str, str]]:
    """Every check, operator and type there is to run."""
    for name, op in OPERATORS.items():
        if names and not any(name == n or name.startswith(n) for n in names):
            continue
        known = [d for d in DTYPES if supported(op, d)]
        for dtype in known:
            if dtype in dtypes:
                yield "values", name, dtype
        if known:
            yield "forms", name, known[0]
            yield "errors", name, known[0]
        if "float64" in known:
            yield "forward", name, "float64"
            yield "vmap", name, "float64"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--dtype", nargs="*", default=list(DTYPES))
    parser.add_argument("--check", nargs="*", default=list(CHECKS))
    parser.add_argument("--long", type=int, default=260)
    parser.add_argument("--part", default="0/1", help="every so many operators, beginning with which")
    options = parser.parse_args()
    failed, run = 0, 0
    first, step = map(int, options.part.split("/"))
    chosen = set(list(OPERATORS)[first::step])
    for check, name, dtype in work(options.names, tuple(options.dtype)):
        if check not in options.check or name not in chosen:
            continue
        run += 1
        try:
            CHECKS[check](OPERATORS[name], dtype)
        except BaseException as error:  # pytest's own among them
            if isinstance(error, KeyboardInterrupt):
                raise
            failed += 1
            text = " ".join(f"{type(error).__name__} {error}".split())
            print(f"{check} {name} {dtype}: {text[: options.long]}", flush=True)
    print(f"{failed} of {run} differ")


if __name__ == "__main__":
    main()
