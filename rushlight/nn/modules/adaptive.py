"""A softmax over many classes, by clusters."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from rushlight.device import device as Device
from rushlight.dtypes import dtype as Dtype
from rushlight.nn import functional as F
from rushlight.nn.modules.container import ModuleList, Sequential
from rushlight.nn.modules.linear import Linear
from rushlight.nn.modules.module import Module
from rushlight.ops.joining import cat
from rushlight.tensor import Tensor

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """A log-softmax over many classes that spends little on rare ones: frequent classes first, the rest in clusters.

    `head` scores the classes before the first of `cutoffs` and the clusters behind it; `tail` holds a pair of layers
    for each cluster, through in_features / div_value^i features for the ith. A rare class's log-probability is its
    cluster's, plus its own within the cluster. The call returns `(output, loss)`: the log-probability of each target,
    and minus their mean.

    Shapes: input (N, in_features) or (in_features), target (N) or () in [0, n_classes) → output (N) or (), loss ().
    Parameters as in `Linear`, the head first. ValueError for cutoffs that aren't increasing integers in
    [1, n_classes - 1]; RuntimeError for shapes that don't fit and targets out of range.

    >>> import rushlight as torch
    >>> layer = torch.nn.AdaptiveLogSoftmaxWithLoss(16, 1000, cutoffs=[10, 100])
    >>> output, loss = layer(torch.zeros(4, 16), torch.tensor([0, 9, 50, 999]))
    >>> output
    tensor([-2.4849, -2.4849, -6.9847, -9.2873], grad_fn=<AddBackward0>)
    >>> layer.log_prob(torch.zeros(4, 16)).shape
    torch.Size([4, 1000])

    Sources: https://docs.pytorch.org/docs/2.13/generated/torch.nn.AdaptiveLogSoftmaxWithLoss.html; Grave et al.,
    "Efficient softmax approximation for GPUs", 2017, https://arxiv.org/abs/1609.04309
    """

    in_features: int
    n_classes: int
    cutoffs: list[int]
    div_value: float
    head_bias: bool
    head: Linear
    tail: ModuleList

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Device | str | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        super().__init__()
        cuts = list(cutoffs)
        if not cuts:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        increasing = all(a < b for a, b in itertools.pairwise(cuts))
        if not increasing or cuts[0] <= 0 or cuts[-1] > n_classes - 1 or any(int(c) != c for c in cuts):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                f"value is between 1 and n_classes-1, got {cuts} for {n_classes} classes"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cuts, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, device=device, dtype=dtype)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(itertools.pairwise(self.cutoffs), 1):
            between = int(in_features // div_value**i)
            self.tail.append(
                Sequential(
                    Linear(in_features, between, bias=False, device=device, dtype=dtype),
                    Linear(between, high - low, bias=False, device=device, dtype=dtype),
                )
            )

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        self.head.reset_parameters()
        for layer in (layer for layers in self.tail for layer in layers.children()):
            layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        self._check(input_, target_)
        batched = target_.ndim > 0
        input, target = (input_, target_) if batched else (input_.unsqueeze(0), target_.unsqueeze(0))
        # In the head a class of the shortlist stands for itself, one of a cluster for the cluster.
        in_head = target
        output = input.new_zeros(target.shape[0])
        for i, (low, high) in enumerate(itertools.pairwise(self.cutoffs)):
            rows = ((target >= low) & (target < high)).nonzero().squeeze(1)
            if not rows.numel():
                continue
            in_head = in_head.index_fill(0, rows, self.shortlist_size + i)
            scores = self.tail[i](input.index_select(0, rows))
            own = (target.index_select(0, rows) - low).unsqueeze(1)
            output = output.index_copy(0, rows, F.log_softmax(scores, dim=1).gather(1, own).squeeze(1))
        head = F.log_softmax(self.head(input), dim=1)
        output = output + head.gather(1, in_head.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def _check(self, input: Tensor, target: Tensor) -> None:
        if target.ndim > 1:
            raise RuntimeError(
                f"0D or 1D target tensor expected, multi-target not supported, got shape {list(target.shape)}"
            )
        if target.ndim == 1 and input.size(0) != target.size(0):
            raise RuntimeError(
                "Input and target should have the same size in the batch dimension. "
                f"Got {input.size(0)} and {target.size(0)}"
            )
        if input.ndim != target.ndim + 1:
            raise RuntimeError(
                f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, "
                f"but found inputs with size {input.size()}"
            )
        classes = target._array
        if classes.size and not (classes.min() >= 0 and classes.max() < self.n_classes):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], "
                f"but values in range [{classes.min()}, {classes.max()}] were found. "
            )

    def _get_full_log_prob(self, input: Tensor, head_output: Tensor) -> Tensor:
        """All classes' log-probabilities `(N, n_classes)` from the head's scores."""
        head = F.log_softmax(head_output, dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, layers in enumerate(self.tail):
            cluster = head[:, self.shortlist_size + i].unsqueeze(1)
            parts.append(F.log_softmax(layers(input), dim=1) + cluster)
        return cat(parts, 1)

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes: (N, in_features) → (N, n_classes)."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """The likeliest class of each row: (N, in_features) → (N).

        Where the head finds a class of the shortlist likeliest, no cluster is asked.
        """
        head_output = self.head(input)
        output = head_output.argmax(1)
        rows = (output >= self.shortlist_size).nonzero().squeeze(1)
        if rows.numel():
            full = self._get_full_log_prob(input.index_select(0, rows), head_output.index_select(0, rows))
            output[rows] = full.argmax(1)
        return output
