"""`run`: a program written for PyTorch, on Rushlight, as `python` itself would run it."""

from __future__ import annotations

import importlib.util
import io
import os
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any

from rushlight.cli import redirect

__all__ = ["run_module", "run_script"]


def run_script(path: str, arguments: list[str]) -> None:
    """Runs the file `path` as `__main__`; `sys.argv`, `sys.path[0]`, tracebacks and exit codes are plain Python's."""
    redirect.install()
    if os.path.isdir(path) or path.endswith((".zip", ".pyz")):
        _set_import_path(path)
        run_module("__main__", arguments, argv0=path)
        return
    try:
        with io.open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        print(f"rushlight run: can't open file '{path}': [Errno {error.errno}] {error.strerror}", file=sys.stderr)
        sys.exit(2)  # as python does
    _set_import_path(os.path.dirname(os.path.realpath(path)))
    sys.argv = [path, *arguments]
    main = _main_module(os.path.abspath(path), SourceFileLoader("__main__", path), None)
    _execute(main, lambda: compile(source, os.path.abspath(path), "exec", dont_inherit=True))


def run_module(name: str, arguments: list[str], argv0: str | None = None) -> None:
    """Runs the module `name`, or the `__main__` of a package, as `python -m` would."""
    redirect.install()
    if argv0 is None:
        _set_import_path(os.getcwd())
    sys.argv = ["-m", *arguments]
    spec = _find(name)
    code = spec.loader.get_code(spec.name) if hasattr(spec.loader, "get_code") else None  # type: ignore[union-attr]
    if code is None:
        sys.exit(f"rushlight run: no code object available for {name}")
    sys.argv[0] = argv0 or spec.origin or name
    main = _main_module(spec.origin, spec.loader, spec)
    main.__package__ = spec.parent
    _execute(main, lambda: code)


def _find(name: str) -> ModuleSpec:
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name += ".__main__"
            spec = importlib.util.find_spec(name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        sys.exit(f"rushlight run: Error while finding module specification for '{name}' ({error})")
    if spec is None:
        sys.exit(f"rushlight run: No module named {name}")
    return spec


def _set_import_path(folder: str) -> None:
    """Puts the program's folder where `python` has put ours."""
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _main_module(file: str | None, loader: Any, spec: ModuleSpec | None) -> ModuleType:
    main = ModuleType("__main__")
    if sys.version_info < (3, 14):
        main.__dict__.update(__annotations__={})
    main.__dict__.update(__file__=file, __loader__=loader, __spec__=spec, __builtins__=__builtins__, __cached__=None)
    sys.modules["__main__"] = main
    return main


def _execute(main: ModuleType, code: Callable[[], CodeType]) -> None:
    namespace = main.__dict__
    try:
        exec(code(), namespace)
    except (Exception, KeyboardInterrupt):
        _hide_own_frames(namespace)
        raise


def _hide_own_frames(program: dict[str, Any]) -> None:
    """Lets the traceback that Python prints begin in the program, where that of `python SCRIPT` begins."""
    show = sys.excepthook

    def show_program(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        while trace is not None and trace.tb_frame.f_globals is not program:
            trace = trace.tb_next
        show(kind, error.with_traceback(trace), trace)

    sys.excepthook = show_program
