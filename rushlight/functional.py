"""Functions of several operations, gathered from their families: the names of `torch.functional`."""

import rushlight as _front

_NAMES = (
    "align_tensors", "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes", "broadcast_tensors",
    "cartesian_prod", "cdist", "chain_matmul", "einsum", "istft", "lu", "meshgrid", "norm", "pca_lowrank", "split",
    "stft", "svd_lowrank", "tensordot", "unique", "unique_consecutive", "unravel_index",
)  # fmt: skip
__all__ = [name for name in _NAMES if hasattr(_front, name)]
globals().update({name: getattr(_front, name) for name in __all__})
