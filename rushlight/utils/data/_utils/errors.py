"""An exception on its way from a worker process to the caller."""

from __future__ import annotations

import pickle
import traceback

__all__ = ["CaughtError"]


class _PlainKey(str):
    """A KeyError shows its key's repr; this key's repr is its text, so that line breaks stay line breaks."""

    def __repr__(self) -> str:
        return str(self)


class CaughtError:
    """An exception's type and formatted traceback: picklable, unlike tracebacks and many exceptions."""

    def __init__(self, error: BaseException, where: str) -> None:
        self.type: type[BaseException] = type(error)
        self.text = "".join(traceback.format_exception(error))
        self.where = where
        try:
            pickle.loads(pickle.dumps(self.type))
        except Exception:
            # A type that can't travel (one made inside a function); its name stays in the text.
            self.type = RuntimeError
        self.name = type(error).__name__

    def reraise(self) -> None:
        """Raises the original type, or RuntimeError if that can't be made of a text, with the traceback as its text."""
        message = f"Caught {self.name} {self.where}.\nOriginal {self.text}"
        if self.type is KeyError:
            raise KeyError(_PlainKey(message))
        try:
            if getattr(self.type, "message", None):
                error = self.type(message=message)  # type: ignore[call-arg]
            else:
                error = self.type(message)
        except Exception:
            raise RuntimeError(message) from None
        raise error
