"""TorchScript's names: nothing is compiled here, so each hands back what it was given."""

from rushlight.futures import Future
from rushlight.jit._modules import (
    CompilationUnit,
    Error,
    ScriptFunction,
    ScriptModule,
    load,
    save,
)
from rushlight.jit._modules import RecursiveScriptModule as RecursiveScriptModule
from rushlight.jit._modules import ScriptWarning as ScriptWarning
from rushlight.jit._modules import TopLevelTracedModule as TopLevelTracedModule
from rushlight.jit._modules import script_method as script_method
from rushlight.jit._script import (
    Attribute,
    annotate,
    enable_onednn_fusion,
    export,
    export_opnames,
    fork,
    freeze,
    ignore,
    interface,
    isinstance,
    onednn_fusion_enabled,
    optimize_for_inference,
    script,
    script_if_tracing,
    set_fusion_strategy,
    strict_fusion,
    unused,
    wait,
)
from rushlight.jit._script import Final as Final
from rushlight.jit._script import fuser as fuser
from rushlight.jit._script import is_scripting as is_scripting
from rushlight.jit._script import optimized_execution as optimized_execution
from rushlight.jit._script import run_frozen_optimizations as run_frozen_optimizations
from rushlight.jit._trace import TracerWarning as TracerWarning
from rushlight.jit._trace import TracingCheckError as TracingCheckError
from rushlight.jit._trace import is_tracing as is_tracing
from rushlight.jit._trace import trace, trace_module

__all__ = [
    "Attribute", "CompilationUnit", "Error", "Future", "ScriptFunction", "ScriptModule", "annotate",
    "enable_onednn_fusion", "export", "export_opnames", "fork", "freeze", "ignore", "interface", "isinstance", "load",
    "onednn_fusion_enabled", "optimize_for_inference", "save", "script", "script_if_tracing", "set_fusion_strategy",
    "strict_fusion", "trace", "trace_module", "unused", "wait",
]  # fmt: skip
