"""`compile` and the names around it: nothing is compiled here, so each hands back what it was given.

Arguments are checked as PyTorch checks them, and the first call warns. `rushlight` runs a function as it is written.

Source: https://docs.pytorch.org/docs/2.13/torch.compiler_api.html
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any, Self, TypeVar

__all__ = [
    "allow_in_graph", "assume_constant_result", "compile", "config", "cudagraph_mark_step_begin", "disable",
    "get_default_backend", "is_compiling", "is_dynamo_compiling", "is_exporting", "keep_portable_guards_unsafe",
    "keep_tensor_guards_unsafe", "list_backends", "load_cache_artifacts", "load_compiled_function",
    "nested_compile_region", "reset", "save_cache_artifacts", "set_default_backend", "set_enable_guard_collectives",
    "set_stance", "skip_all_guards_unsafe", "skip_guard_on_all_nn_modules_unsafe", "skip_guard_on_globals_unsafe",
    "skip_guard_on_inbuilt_nn_modules_unsafe", "substitute_in_graph", "wrap_numpy",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])

MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")
# PyTorch's backends for users, and those for debugging, as its `list_backends` knows them.
_BACKENDS = ("cudagraphs", "inductor", "openxla", "tvm")
_DEBUGGING = ("aot_eager", "aot_eager_decomp_partition", "aot_ts", "eager", "eager_debug", "eager_noexcept")
_STANCES = (
    "default", "force_eager", "eager_on_recompile", "fail_on_recompile", "eager_then_compile", "aot_eager_then_compile",
)  # fmt: skip

config = SimpleNamespace(
    job_id=None,
    pgo_extra_read_key=None,
    pgo_extra_write_key=None,
    cache_key_tag="",
    enable_compiler_collectives=False,
    force_disable_caches=False,
    dynamic_sources="",
    unbacked_sources="",
)

_default_backend: list[Any] = ["inductor"]
_stance = ["default"]
_warned: set[str] = set()


class InvalidBackend(RuntimeError):
    """A backend of `compile` that nobody knows."""


def warn_once(name: str) -> None:
    """Say, the first time that `name` is called, that it compiles nothing."""
    if name not in _warned:
        _warned.add(name)
        warnings.warn(
            f"{name}: Rushlight compiles nothing; it hands back what it is given, which runs as it is written",
            stacklevel=3,
        )


def _check_backend(backend: Any) -> None:
    if isinstance(backend, str) and backend not in (*_BACKENDS, *_DEBUGGING):
        raise InvalidBackend(
            f"Invalid backend: {backend!r}, see `torch._dynamo.list_backends()` for available backends."
        )
    if not isinstance(backend, str) and not callable(backend):
        raise AssertionError(f"A callable function is expected, but {type(backend)} is provided.")


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = None,
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    name: str | None = None,
    disable: bool = False,
    recompile_limit: int | None = None,
    isolate_recompiles: bool = False,
    shapes_spec: Any = None,
) -> Any:
    """The function or module `model` itself, which gives what it would compiled; without one, a decorator.

    The other arguments say how PyTorch compiles and change nothing. The first call warns. RuntimeError for a mode or
    backend that doesn't exist or for both a mode and options, AssertionError for what can't be called.

    >>> import warnings
    >>> import rushlight as torch
    >>> def double(x):
    ...     return x * 2
    >>> with warnings.catch_warnings(action="ignore"):
    ...     torch.compile(double, mode="max-autotune") is double
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.compile.html
    """
    if model is None:
        return functools.partial(
            compile, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode, options=options, name=name,
            disable=disable, recompile_limit=recompile_limit, isolate_recompiles=isolate_recompiles,
            shapes_spec=shapes_spec,
        )  # fmt: skip
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if mode is not None and mode not in MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(MODES)}")
    _check_backend(_default_backend[0] if backend is None else backend)
    if dynamic is not None and not isinstance(dynamic, bool):
        raise AssertionError(f"Expected dynamic to be a bool or None, got {type(dynamic)}")
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    if not disable:
        warn_once("torch.compile")
    return model


def reset() -> None:
    """Forgets what was compiled, which is nothing."""


def allow_in_graph(fn: Any) -> Any:
    """The function, or functions, to be taken as one step by the compiler; AssertionError for what can't be called."""
    if isinstance(fn, list | tuple):
        return [allow_in_graph(one) for one in fn]
    if not callable(fn):
        raise AssertionError("allow_in_graph expects a callable")
    return fn


def substitute_in_graph(
    original_fn: Callable[..., Any], *, can_constant_fold_through: bool = False, skip_signature_check: bool = False
) -> Callable[[F], F]:
    """A decorator for a function to compile in the place of another: the function itself.

    TypeError for an original that can't be called.
    """
    if not callable(original_fn):
        raise TypeError(f"substitute_in_graph expects a function but got {original_fn!r}")

    def same(traceable_fn: F) -> F:
        if not callable(traceable_fn):
            raise TypeError(f"@substitute_in_graph(...) expects a function but got {traceable_fn!r}")
        return traceable_fn

    return same


def list_backends(exclude_tags: Iterable[str] | None = ("debug", "experimental")) -> list[str]:
    """PyTorch's names of backends, those for debugging only where `exclude_tags` doesn't name "debug"."""
    known = _BACKENDS if "debug" in (exclude_tags or ()) else (*_BACKENDS, *_DEBUGGING)
    return sorted(known)


def get_default_backend() -> Any:
    """The backend that `compile` takes when none is given."""
    return _default_backend[0]


def set_default_backend(backend: Any) -> None:
    """Choose the backend that `compile` takes when none is given; None stands for "inductor"."""
    _default_backend[0] = "inductor" if backend is None else backend


def assume_constant_result(fn: F) -> F:
    """The function, marked as one that gives the compiler a constant."""
    fn._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return fn


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function, not to be compiled; without one, a decorator. AssertionError for what can't be called."""
    if fn is None:
        return functools.partial(disable, recursive=recursive, reason=reason)
    if not callable(fn):
        raise AssertionError("fn must be callable")
    return fn


class set_stance:
    """Choose what the compiler does from now on, or, as a context manager or decorator, for a while.

    RuntimeError for a stance that doesn't exist, and for a backend beside another stance than "default".
    """

    def __init__(
        self, stance: str = "default", *, skip_guard_eval_unsafe: bool = False, force_backend: Any = None
    ) -> None:
        if force_backend is not None and stance != "default":
            raise RuntimeError("non-default stance cannot have force_backend set")
        if stance not in _STANCES:
            raise RuntimeError(f"unknown stance {stance!r}, expected one of {', '.join(_STANCES)}")
        self.stance = stance
        self._before = _stance[0]
        _stance[0] = stance

    def __enter__(self) -> Self:
        _stance[0] = self.stance
        return self

    def __exit__(self, *exception: object) -> None:
        _stance[0] = self._before

    def __call__(self, fn: F) -> F:
        _stance[0] = self._before

        @functools.wraps(fn)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with set_stance(self.stance):
                return fn(*args, **kwargs)

        return wrapper  # type: ignore[return-value]


def set_enable_guard_collectives(enabled: bool) -> bool:
    """False, what was chosen before: there are no guards that processes could share."""
    return False


def cudagraph_mark_step_begin() -> None:
    """Marks a step of CUDA graphs, of which there are none."""


def wrap_numpy(fn: F) -> F:
    """A function of arrays as one of tensors: those among the arguments become arrays, arrays in the result tensors."""
    import numpy as np

    from rushlight.autograd.variable import Variable
    from rushlight.ops.creation import from_numpy

    def mapped(value: Any, kind: type, change: Callable[[Any], Any]) -> Any:
        if isinstance(value, kind):
            return change(value)
        if isinstance(value, list | tuple):
            return type(value)([mapped(item, kind, change) for item in value])
        if isinstance(value, dict):
            return {key: mapped(item, kind, change) for key, item in value.items()}
        return value

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = mapped((args, kwargs), Variable, lambda tensor: tensor.numpy())
        return mapped(fn(*args, **kwargs), np.ndarray, from_numpy)

    return wrapper  # type: ignore[return-value]


def is_compiling() -> bool:
    """False: a function that asks is running as it is written."""
    return False


def is_dynamo_compiling() -> bool:
    """False: a function that asks is running as it is written."""
    return False


def is_exporting() -> bool:
    """False: nothing is exported."""
    return False


def save_cache_artifacts() -> tuple[bytes, Any] | None:
    """None: nothing was compiled that could be kept."""
    return None


def load_cache_artifacts(serialized_artifacts: bytes) -> Any:
    """None: what PyTorch compiled can't be run here."""
    return None


def load_compiled_function(file: Any, *, f_globals: dict[str, object] | None = None, external_data: Any = None) -> Any:
    """Raises RuntimeError: what PyTorch compiled can't be run here."""
    raise RuntimeError(
        "Rushlight runs no compiled functions: load the function's Python source and call it, which gives the same"
    )


def nested_compile_region(
    fn: Any = None, *, options: Any = None, max_reuse_entries: int = 8, reuse_hash_fn: Any = None
) -> Any:
    """The function, to be compiled once and reused; without one, a decorator."""
    return fn if fn is not None else (lambda function: function)


def skip_guard_on_inbuilt_nn_modules_unsafe(guard_entries: Sequence[Any]) -> list[bool]:
    """Which of a compiler's guards to keep: all but those on the library's own modules."""
    return [not entry.orig_guard.source.is_unspecialized_builtin_nn_module() for entry in guard_entries]


def skip_guard_on_all_nn_modules_unsafe(guard_entries: Sequence[Any]) -> list[bool]:
    """Which of a compiler's guards to keep: all but those on modules."""
    return [not entry.orig_guard.source.is_unspecialized_nn_module() for entry in guard_entries]


def keep_tensor_guards_unsafe(guard_entries: Sequence[Any], keep_parameters: bool = False) -> list[bool]:
    """Which of a compiler's guards to keep: those on tensors, on parameters only if asked."""
    from rushlight.nn.parameter import Parameter

    return [
        entry.guard_type == "TENSOR_MATCH" and (keep_parameters or not isinstance(entry.value, Parameter))
        for entry in guard_entries
    ]


def keep_portable_guards_unsafe(guard_entries: Sequence[Any]) -> list[bool]:
    """Which of a compiler's guards to keep: those on modes and shapes, and on tensors that aren't globals."""
    return [
        entry.guard_type in ("GLOBAL_STATE", "SHAPE_ENV")
        or (entry.guard_type == "TENSOR_MATCH" and not entry.is_global)
        for entry in guard_entries
    ]


def skip_guard_on_globals_unsafe(guard_entries: Sequence[Any]) -> list[bool]:
    """Which of a compiler's guards to keep: all but those on globals."""
    return [not entry.is_global for entry in guard_entries]


def skip_all_guards_unsafe(guard_entries: Sequence[Any]) -> list[bool]:
    """Which of a compiler's guards to keep: none."""
    return [False for _ in guard_entries]
