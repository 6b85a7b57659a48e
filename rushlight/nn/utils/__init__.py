"""Helpers for parameters, gradients and modules: the names of `torch.nn.utils`."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from rushlight.nn.utils import rnn as rnn
from rushlight.nn.utils import stateless as stateless
from rushlight.nn.utils.clip_grad import *
from rushlight.nn.utils.clip_grad import clip_grads_with_norm_ as clip_grads_with_norm_
from rushlight.nn.utils.clip_grad import get_total_norm as get_total_norm
from rushlight.nn.utils.convert_parameters import *
from rushlight.nn.utils.fusion import *
from rushlight.nn.utils.init import *
from rushlight.nn.utils.memory_format import *
from rushlight.nn.utils.spectral_norm import remove_spectral_norm as remove_spectral_norm
from rushlight.nn.utils.spectral_norm import spectral_norm as spectral_norm
from rushlight.nn.utils.weight_norm import remove_weight_norm as remove_weight_norm
from rushlight.nn.utils.weight_norm import weight_norm as weight_norm

if _TYPE_CHECKING:
    from rushlight.nn.utils import parametrizations as parametrizations
    from rushlight.nn.utils import parametrize as parametrize
    from rushlight.nn.utils import prune as prune
else:

    def __getattr__(name: str) -> object:
        # What few programs use is imported when first named.
        if name in ("parametrizations", "parametrize", "prune"):
            from importlib import import_module

            return import_module(f"rushlight.nn.utils.{name}")
        raise AttributeError(f"module 'rushlight.nn.utils' has no attribute '{name}'")
