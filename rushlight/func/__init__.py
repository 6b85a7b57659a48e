"""Functions of functions: derivatives, batches, and modules as functions; the names of `torch.func`."""

from rushlight.func import _batch_layers as _batch_layers
from rushlight.func import _batch_rules as _batch_rules
from rushlight.func import _batch_views as _batch_views
from rushlight.func import _dual_rules as _dual_rules
from rushlight.func._forward import jvp, linearize
from rushlight.func._jacobian import debug_unwrap, functionalize, hessian, jacfwd, jacrev
from rushlight.func._modules import functional_call, replace_all_batch_norm_modules_, stack_module_state
from rushlight.func._reverse import grad, grad_and_value, vjp
from rushlight.func._vmap import vmap

__all__ = [
    "debug_unwrap", "functional_call", "functionalize", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp",
    "linearize", "replace_all_batch_norm_modules_", "stack_module_state", "vjp", "vmap",
]  # fmt: skip
