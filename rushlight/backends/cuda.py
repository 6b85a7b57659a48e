"""The switches of CUDA's matrix products and of attention. All can be set and read; on a CPU only attention's matter.

Source: https://docs.pytorch.org/docs/2.13/backends.html#torch.backends.cuda
"""

from __future__ import annotations

from rushlight.backends._cuda_libraries import blas_workspace_size as blas_workspace_size
from rushlight.backends._cuda_libraries import cublas_workspace_size as cublas_workspace_size
from rushlight.backends._cuda_libraries import cublaslt_workspace_size as cublaslt_workspace_size
from rushlight.backends._cuda_libraries import cuBLASModule as cuBLASModule
from rushlight.backends._cuda_libraries import cufft_plan_cache as cufft_plan_cache
from rushlight.backends._cuda_libraries import cuFFTPlanCache as cuFFTPlanCache
from rushlight.backends._cuda_libraries import cuFFTPlanCacheAttrContextProp as cuFFTPlanCacheAttrContextProp
from rushlight.backends._cuda_libraries import cuFFTPlanCacheManager as cuFFTPlanCacheManager
from rushlight.backends._cuda_libraries import matmul as matmul
from rushlight.backends._cuda_libraries import preferred_blas_library as preferred_blas_library
from rushlight.backends._cuda_libraries import preferred_linalg_library as preferred_linalg_library
from rushlight.backends._cuda_libraries import preferred_rocm_fa_library as preferred_rocm_fa_library
from rushlight.backends._sdp import SDPAParams as SDPAParams
from rushlight.backends._sdp import SDPBackend as SDPBackend
from rushlight.backends._sdp import allow_fp16_bf16_reduction_math_sdp as allow_fp16_bf16_reduction_math_sdp
from rushlight.backends._sdp import can_use_cudnn_attention as can_use_cudnn_attention
from rushlight.backends._sdp import can_use_efficient_attention as can_use_efficient_attention
from rushlight.backends._sdp import can_use_flash_attention as can_use_flash_attention
from rushlight.backends._sdp import cudnn_sdp_enabled as cudnn_sdp_enabled
from rushlight.backends._sdp import enable_cudnn_sdp as enable_cudnn_sdp
from rushlight.backends._sdp import enable_flash_sdp as enable_flash_sdp
from rushlight.backends._sdp import enable_math_sdp as enable_math_sdp
from rushlight.backends._sdp import enable_mem_efficient_sdp as enable_mem_efficient_sdp
from rushlight.backends._sdp import flash_sdp_enabled as flash_sdp_enabled
from rushlight.backends._sdp import fp16_bf16_reduction_math_sdp_allowed as fp16_bf16_reduction_math_sdp_allowed
from rushlight.backends._sdp import is_ck_sdpa_available as is_ck_sdpa_available
from rushlight.backends._sdp import is_flash_attention_available as is_flash_attention_available
from rushlight.backends._sdp import math_sdp_enabled as math_sdp_enabled
from rushlight.backends._sdp import mem_efficient_sdp_enabled as mem_efficient_sdp_enabled
from rushlight.backends._sdp import sdp_kernel as sdp_kernel

__all__ = ["is_built", "matmul"]


def is_built() -> bool:
    """False: Rushlight is built without CUDA."""
    return False
