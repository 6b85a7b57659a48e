"""Types for storage: what converts, prints, moves and computes of them is what PyTorch's CPU does."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

# Of pairs of float16 c and d, of bytes f and b that hold other types.
EXPRESSIONS = [
    "c",
    "d",
    "c.dtype",
    "c.element_size()",
    "c+c",
    "c*d",
    "c-1",
    "c+1j",
    "c*2.5",
    "-c",
    "c.abs()",
    "c.real",
    "d.imag",
    "d.conj().resolve_conj()",
    "torch.view_as_real(d)",
    "torch.view_as_complex(torch.ones(2,2).half())",
    "c.to(torch.complex64)",
    "c.to(torch.complex128)",
    "c.to(torch.float32)",
    "c.to(torch.int64)",
    "c.bool()",
    "h.to(torch.complex32)",
    "h.half().to(torch.complex32)",
    "torch.tensor([1,2]).to(torch.complex32)",
    "c==c",
    "c==d",
    "c.clone()",
    "torch.zeros(2,dtype=torch.complex32)",
    "torch.ones(2,dtype=torch.complex32)",
    "torch.tensor([1j],dtype=torch.complex32)",
    "torch.full((2,),1j,dtype=torch.complex32)",
    "torch.zeros_like(c)",
    "torch.full_like(c,2j)",
    "torch.empty(0,dtype=torch.complex32)",
    "torch.cat([c,c])",
    "torch.stack([c,c])",
    "c[0]",
    "c[c==c]",
    "c.tolist()",
    "c[0].item()",
    "c.numpy()",
    "torch.promote_types(torch.complex32,torch.float32)",
    "torch.promote_types(torch.complex32,torch.bfloat16)",
    "torch.promote_types(torch.complex32,torch.int64)",
    "torch.promote_types(torch.complex32,torch.float64)",
    "torch.promote_types(torch.complex32,torch.float16)",
    "torch.promote_types(torch.complex32,torch.complex64)",
    "torch.float16.to_complex()",
    "torch.bfloat16.to_complex()",
    "torch.complex32.to_real()",
    "torch.finfo(torch.complex32)",
    "torch.complex32.is_signed",
    "torch.chalf",
    "h.half()+1j",
    "c.type()",
    "torch.isfinite(c)",
    "torch.where(torch.tensor([True,False]),c,d)",
    "c.nonzero()",
    "c.masked_fill(torch.tensor([True,False]),0)",
    "c.index_select(0,torch.tensor([0]))",
    "c.copy_(d)",
    "c.fill_(2j)",
    "c.zero_()",
    "c.view(2,1).t()",
    "c.detach().clone().requires_grad_()",
    "torch.int4.itemsize",
    "torch.uint3",
    "torch.bits8.itemsize",
    "torch.bits16.itemsize",
    "torch.empty(2,dtype=torch.bits8)",
    "torch.zeros(2,dtype=torch.uint8).view(torch.int4)",
    "torch.zeros(2,dtype=torch.uint8).view(torch.bits8).clone().dtype",
    "torch.zeros(2,dtype=torch.uint8).view(torch.bits8)[0].shape",
    "torch.zeros(2,dtype=torch.uint8).view(torch.bits8).to(torch.uint8)",
    "torch.tensor([1.,3,.3]).to(torch.float8_e8m0fnu)",
    "torch.tensor([1.,3,.3,0,-1,float('inf'),float('nan'),1e38,1e-40,1.5,2.9,-3.]).to(torch.float8_e8m0fnu).to(torch.float32)",
    "torch.zeros(2,dtype=torch.float8_e8m0fnu)",
    "torch.ones(2,dtype=torch.float8_e8m0fnu)",
    "torch.float4_e2m1fn_x2.itemsize",
    "torch.empty(2,dtype=torch.float4_e2m1fn_x2).shape",
    "f",
    "f.to(torch.float32)",
    "torch.ones(2).to(torch.float4_e2m1fn_x2)",
    "torch.finfo(torch.float8_e8m0fnu)",
    "torch.iinfo(torch.int4)",
    "torch.float8_e8m0fnu.is_floating_point",
    "torch.float4_e2m1fn_x2.is_floating_point",
    "torch.bits8.is_signed",
    "torch.uint4.is_signed",
    "torch.int4.is_signed",
    "torch.bits1x8",
    "torch.promote_types(torch.bits8,torch.int8)",
    "torch.promote_types(torch.float8_e8m0fnu,torch.float32)",
    "torch.ones(2).to(torch.int4)",
    "torch.empty(2,dtype=torch.bits16).type()",
    "torch.empty(2,dtype=torch.uint4).type()",
    "f.type()",
    "torch.empty(2,dtype=torch.float8_e8m0fnu).type()",
    "f.tolist()",
    "f[0].item()",
    "f.clone().view(torch.uint8)",
    "f.view(3,1).t().shape",
    "torch.cat([f,f])",
    "b.tolist()",
    "b.clone().view(torch.uint8)",
    "b[1:].view(torch.uint8)",
    "b.view(2,1).expand(2,3).contiguous().view(torch.uint8)",
    "torch.empty_like(b).dtype",
    "b.numpy()",
    "b.nbytes",
    "torch.int1.to_complex()",
    "b.type(torch.uint8)",
]


def outcome(t: Any, expression: str) -> str:
    """What an expression gives, as text; of an error its type and its first words."""
    h = t.tensor([1.5, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scope = {"torch": t, "h": h, "c": h.chalf(), "d": t.complex(h.half(), h.half())}
        scope["f"] = t.tensor([0x21, 0x43, 0xF7], dtype=t.uint8).view(t.float4_e2m1fn_x2)
        scope["b"] = t.tensor([1, 2], dtype=t.uint8).view(t.bits8)
        try:
            return repr(eval(expression, scope))
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:50]}"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_stored_types(expression: str) -> None:
    assert outcome(rushlight, expression) == outcome(torch, expression)


@pytest.mark.parametrize("name", ["complex32", "float8_e8m0fnu", "float16", "bfloat16", "float32"])
def test_conversion_there_and_back(name: str) -> None:
    values = [0.0, -0.0, 1.0, -1.5, 3.0, 65504.0, 65520.0, 1e-8, 6e-8, 1e38, 1e-40, float("inf"), float("nan")]
    found = []
    for t in (torch, rushlight):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stored = t.tensor(values).to(getattr(t, name))
            # The last one is no number, which has several forms.
            found.append((repr(stored[:-1].view(t.uint8)), repr(stored.to(t.float64))))
    assert found[0] == found[1]
