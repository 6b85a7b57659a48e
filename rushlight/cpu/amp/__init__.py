"""Mixed precision on the CPU by its older names: the names of `torch.cpu.amp`."""

from rushlight.cpu.amp.autocast_mode import autocast
from rushlight.cpu.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast"]
