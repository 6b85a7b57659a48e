"""What a program asks about Arm's KleidiAI: Rushlight doesn't use it."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """False: Rushlight doesn't use KleidiAI."""
    return False
