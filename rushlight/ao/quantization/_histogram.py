"""The observer that weighs how often numbers occur, and gives up rare ones for the sake of the rest."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.ao.quantization._observers import _EPS, UniformQuantizationObserverBase
from rushlight.ao.quantization.utils import is_per_tensor
from rushlight.autograd.grad_mode import no_grad
from rushlight.dtypes import dtype as Dtype
from rushlight.ops.choice import maximum, minimum
from rushlight.ops.creation import tensor, zeros
from rushlight.ops.extremum import aminmax
from rushlight.ops.histograms import histc
from rushlight.ops.sequences import linspace
from rushlight.quantizer import per_tensor_affine
from rushlight.quantizer import qscheme as Scheme
from rushlight.tensor import Tensor

__all__ = ["HistogramObserver", "default_histogram_observer"]

_F = np.float32
_STEP = 1e-5  # the share of all elements that a step of the search gives up


class HistogramObserver(UniformQuantizationObserverBase):
    """A histogram of all elements seen, in `bins` bins. The range chosen makes the squared error of rounding small:
    from both ends, shares of 1e-5 are cut off as long as that does not raise it.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.ao.quantization.observer.HistogramObserver.html
    """

    histogram: Tensor
    min_val: Tensor
    max_val: Tensor

    def __init__(
        self,
        bins: int = 2048,
        dtype: Dtype = dtypes.quint8,
        qscheme: Scheme = per_tensor_affine,
        reduce_range: bool = False,
        quant_min: int | None = None,
        quant_max: int | None = None,
        factory_kwargs: dict[str, Any] | None = None,
        eps: float = _EPS,
        is_dynamic: bool = False,
        **kwargs: Any,
    ) -> None:
        if not is_per_tensor(qscheme):
            raise NotImplementedError(
                "HistogramObserver's qscheme only support torch.per_tensor_symmetric and torch.per_tensor_affine."
            )
        if is_dynamic:
            raise NotImplementedError("HistogramObserver doesn't support dynamic quantization")
        super().__init__(dtype, qscheme, reduce_range, quant_min, quant_max, factory_kwargs, eps, is_dynamic, **kwargs)
        options = factory_kwargs or {}
        self.bins = bins
        self.register_buffer("histogram", zeros(bins, **options))
        self.register_buffer("min_val", tensor(float("inf"), **options))
        self.register_buffer("max_val", tensor(float("-inf"), **options))
        self.dst_nbins = 2 ** (8 * self.dtype.itemsize)
        self.upsample_rate = 16  # how much finer a histogram is made before its bins are sorted into others

    def forward(self, x_orig: Tensor) -> Tensor:
        with no_grad():
            self._watch(x_orig.detach())
        return x_orig

    def _watch(self, x: Tensor) -> None:
        if x.numel() == 0:
            return
        low, high = aminmax(x)
        if low == float("-inf") or high == float("inf"):
            warnings.warn("torch.inf detected in input tensor, ignoring input", stacklevel=4)
            x = x[x.abs() != float("inf")]
            if x.numel() == 0:
                return
            low, high = aminmax(x)
        if self.min_val == float("inf") or self.max_val == float("-inf"):
            self.reset_histogram(x, low, high)
            return
        low, high = minimum(self.min_val, low), maximum(self.max_val, high)
        update = histc(x, self.bins, min=low.item(), max=high.item())
        if low == self.min_val and high == self.max_val:
            self.histogram.copy_(self.histogram + update)
            return
        self.histogram.copy_(update + self._sorted_into(low, high))
        self.min_val.copy_(low)
        self.max_val.copy_(high)

    def reset_histogram(self, x: Tensor, min_val: Tensor, max_val: Tensor) -> None:
        """Begin with the histogram of `x` between two numbers."""
        if min_val.numel() != 1 or max_val.numel() != 1:
            raise AssertionError("histogram min/max values must be scalar.")
        self.min_val.copy_(min_val)
        self.max_val.copy_(max_val)
        self.histogram.copy_(histc(x, self.bins, min=min_val.item(), max=max_val.item()))

    def _sorted_into(self, low: Tensor, high: Tensor) -> Tensor:
        """The histogram so far in the bins of a wider range."""
        if self.min_val == self.max_val:
            ones = histc(self.min_val, self.bins, min=low.item(), max=high.item())
            return ones * self.histogram.sum()
        fine = self.bins * self.upsample_rate
        weights = np.repeat(self.histogram._array, self.upsample_rate) / _F(self.upsample_rate)
        before, after = self.min_val.item(), self.max_val.item()
        middles = linspace(before, after, fine + 1)._array[:-1]
        middles = middles + _F(0.5) * (self.max_val._array - self.min_val._array) / _F(fine)
        edges = linspace(low.item(), high.item(), self.bins + 1)._array
        places = np.clip(np.searchsorted(edges, middles, side="right") - 1, 0, self.bins - 1)
        return tensor(np.bincount(places, weights=weights, minlength=self.bins)).to(self.histogram.dtype)

    def _error(self, first: int, last: int) -> float:
        """The squared error of rounding all elements to the codes laid over the bins from first to last."""
        width = (self.max_val.item() - self.min_val.item()) / self.bins
        step = width * (last - first + 1) / self.dst_nbins
        if step == 0.0:
            return 0.0
        begin = (np.arange(self.bins, dtype=np.int64) - first).astype(_F) * _F(width)
        end = begin + _F(width)
        code_begin = np.clip(np.floor_divide(begin, _F(step)), 0, self.dst_nbins - 1).astype(_F)
        code_end = np.clip(np.floor_divide(end, _F(step)), 0, self.dst_nbins - 1).astype(_F)
        density = self.histogram._array / _F(width)
        half = _F(step / 2)

        def spread(start: Any, stop: Any) -> Any:
            return density * ((stop * stop * stop - start * start * start) / _F(3))

        # A bin lies over a part of its first code, whole codes, and a part of its last.
        error = spread(begin - (code_begin + _F(0.5)) * _F(step), half)
        error = error + (code_end - code_begin - _F(1)) * spread(-half, half)
        error = error + spread(-half, end - (code_end * _F(step) + half))
        return float(tensor(error.astype(_F)).sum().item())

    def _non_linear_param_search(self) -> tuple[Tensor, Tensor]:
        """The range that the search ends with."""
        width = (self.max_val - self.min_val) / self.bins
        total = self.histogram.sum().item()
        running = self.histogram.cumsum(0)._array
        alpha, beta = 0.0, 1.0
        first, last = 0, self.bins - 1
        least = float("inf")
        while alpha < beta:
            # The bins at which the share given up on either side grows by one step.
            left = int(np.searchsorted(running, _F((alpha + _STEP) * total), side="left"))
            right = int(np.searchsorted(running, _F((beta - _STEP) * total), side="right")) - 1
            left, right = max(first, min(left, last)), min(last, max(right, first))
            next_first, next_last = first, last
            if left - first > last - right:
                next_first, alpha = left, alpha + _STEP
            else:
                next_last, beta = right, beta - _STEP
            if (next_first, next_last) == (first, last):
                continue
            error = self._error(next_first, next_last)
            if error > least:
                break
            least, first, last = error, next_first, next_last
        return self.min_val + width * first, self.min_val + width * (last + 1)

    def calculate_qparams(self, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """The scale and the zero point that fit what was seen."""
        if self.min_val == float("inf") and self.max_val == float("-inf"):
            warnings.warn(
                "must run observer before calling calculate_qparams. Returning default scale and zero point ",
                stacklevel=2,
            )
            return tensor([1.0]), tensor([0])
        if self.bins != len(self.histogram):
            raise AssertionError(
                "The number of bins in histogram should be equal to the number of bins supplied while making this "
                "observer"
            )
        with no_grad():
            return self._calculate_qparams(*self._non_linear_param_search())

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: Any, *rest: Any
    ) -> None:
        version = local_metadata.get("version")
        for name, unseen in (("min_val", float("inf")), ("max_val", float("-inf"))):
            key = prefix + name
            if key not in state_dict:
                if strict:
                    missing_keys.append(key)
                continue
            if (version is None or version < 3) and tuple(state_dict[key].shape) == (0,):
                state_dict[key] = tensor(unseen)
            setattr(self, name, state_dict[key].clone())
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, *rest)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}"


default_histogram_observer = HistogramObserver.with_args(quant_min=0, quant_max=127)
