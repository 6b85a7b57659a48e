"""Memory shared with other libraries by DLPack, under the names of `torch.utils.dlpack`.

Source: https://docs.pytorch.org/docs/2.13/dlpack.html
"""

from rushlight.ops.exchange import DLDeviceType, from_dlpack, to_dlpack

__all__ = ["DLDeviceType", "from_dlpack", "to_dlpack"]
