"""Linear and bilinear maps."""

from __future__ import annotations

from rushlight.ops._numeric import check_tensor
from rushlight.ops.linear import linear
from rushlight.tensor import Tensor

__all__ = ["bilinear", "linear"]


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    r"""`y_k = x_1^T A_k x_2 + b_k` for each output feature k.

    input1 `(*, H1)`, input2 `(*, H2)`, weight `(K, H1, H2)`, bias `(K,)`; the result is `(*, K)`.

    >>> import rushlight as torch
    >>> F = torch.nn.functional
    >>> F.bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(4, 2, 3))
    tensor([[6., 6., 6., 6.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.bilinear.html
    """
    check_tensor("bilinear", "input1", 1, input1)
    check_tensor("bilinear", "input2", 2, input2)
    check_tensor("bilinear", "weight", 3, weight)
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match, got {list(input1.shape)} and {list(input2.shape)}"
        )
    k, h1, h2 = weight.shape
    for name, tensor, size in (("input1", input1, h1), ("input2", input2, h2)):
        if tensor.shape[-1] != size:
            raise RuntimeError(
                f"bilinear(): {name} size does not match weight size: got {tensor.shape[-1]} but expected {size}"
            )
    lead = input1.shape[:-1]
    rows1, rows2 = input1.reshape(-1, h1), input2.reshape(-1, h2)
    mapped = (rows1 @ weight.permute(1, 0, 2).reshape(h1, k * h2)).reshape(-1, k, h2)
    out = (mapped * rows2.unsqueeze(1)).sum(-1).reshape(*lead, k)
    return out if bias is None else out + bias
