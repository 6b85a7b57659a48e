"""Write the checkpoints in tests/golden/checkpoints, which PyTorch made and Rushlight must read.

Run with PyTorch 2.13 installed: `python tools/make_checkpoint_goldens.py`. The tests know the values.
"""

from __future__ import annotations

import io
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

FOLDER = Path(__file__).parents[1] / "tests" / "golden" / "checkpoints"

DTYPES = (
    "float32", "float64", "float16", "bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "complex64", "complex128",
)  # fmt: skip


def network() -> nn.Module:
    """A small network whose parameters count upwards from 0."""
    model = nn.Sequential(OrderedDict(fc=nn.Linear(3, 2), act=nn.ReLU(), norm=nn.BatchNorm1d(2)))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.arange(parameter.numel()).reshape(parameter.shape))
    return model


def shared() -> dict[str, object]:
    """Views of one storage: a slice, a transpose and one broadcast."""
    base = torch.arange(12.0).reshape(3, 4)
    return {
        "rows": base[1:],
        "transposed": base.t(),
        "column": base[:, 1],
        "spread": base[0, :1].expand(5),
        "again": base,
    }


def training() -> dict[str, object]:
    """What a training loop saves: model, optimizer, counters, nested containers."""
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5, betas=(0.8, 0.9))
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 3,
        "best": (0.25, None, True),
        "history": [1.5, 2, {"name": "Ω"}],
        "size": torch.Size([2, 3]),
        "dtype": torch.bfloat16,
        "device": torch.device("cpu"),
        "parameter": nn.Parameter(torch.tensor([1.0, 2.0]), requires_grad=False),
        "bytes": b"\x00\xff",
        "set": {1, 2},
        "complex": 1 + 2j,
    }


def of_every_dtype() -> dict[str, torch.Tensor]:
    """0, 1 and 2 in every dtype."""
    return {name: torch.tensor([0.0, 1.0, 2.0]).to(getattr(torch, name)) for name in DTYPES}


def other_byte_order(data: bytes) -> bytes:
    """The checkpoint as a big-endian machine writes it; its storages hold 4-byte elements."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for info in source.infolist():
            record = source.read(info)
            if info.filename.endswith("/byteorder"):
                record = b"big"
            elif "/data/" in info.filename:
                record = b"".join(record[start : start + 4][::-1] for start in range(0, len(record), 4))
            target.writestr(info.filename, record)
    return out.getvalue()


def main() -> None:
    """Write all files."""
    torch.manual_seed(0)
    FOLDER.mkdir(parents=True, exist_ok=True)
    state = network().state_dict()
    torch.save(state, FOLDER / "state_dict.pt")
    torch.save(state, FOLDER / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(state, FOLDER / "protocol4.pt", pickle_protocol=4)
    torch.save(shared(), FOLDER / "shared.pt")
    torch.save(shared(), FOLDER / "legacy_shared.pt", _use_new_zipfile_serialization=False)
    torch.save(training(), FOLDER / "training.pt")
    torch.save(of_every_dtype(), FOLDER / "dtypes.pt")
    torch.save(network(), FOLDER / "module.pt")
    conj, negative = (torch.tensor([1 + 2j, 3 - 4j]).conj() for _ in range(2))
    torch.save({"conj": conj, "negative": negative.imag}, FOLDER / "flags.pt")
    buffer = io.BytesIO()
    torch.save({"float32": torch.arange(3.0), "uint32": torch.arange(3).to(torch.uint32)}, buffer)
    (FOLDER / "big_endian.pt").write_bytes(other_byte_order(buffer.getvalue()))


if __name__ == "__main__":
    main()
