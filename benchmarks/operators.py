"""`python -m benchmarks.operators [--large] [NAME …]`: each operation of the tensor library beside PyTorch.

On 8×8 tensors the figure is what a call costs, in the time of the calling thread (one that waits for a processor isn't
counted); on 4 million elements it is what the kernel takes with two threads. Bursts of both libraries alternate in one
process, and the figure is the median of the bursts' ratios: PyTorch's time over Rushlight's, above 1 is faster. The
table ends with the median over all, and with those that take more than twice PyTorch's time.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

# Expressions of x, y (normal), p (of [0.1, 0.9]), i (indices), k (int64 numbers), m (a mask), v, w (rows of x), s (8x8x8),
# h (positive definite), a (for writing into); `t` is the library.
POINTWISE = """
abs(x) acos(p) acosh(p+1) add(x,y) addcdiv(x,y,p) addcmul(x,y,p) asin(p) asinh(x) atan(x) atan2(x,y) atanh(p) ceil(x)
clamp(x,-1,1) copysign(x,y) cos(x) cosh(x) deg2rad(x) digamma(p) div(x,y) eq(x,y) erf(x) erfc(x) erfinv(p) exp(x) exp2(x)
expm1(x) floor(x) floor_divide(x,p) fmax(x,y) fmin(x,y) fmod(x,p) frac(x) ge(x,y) gt(x,0) heaviside(x,y) hypot(x,y) i0(x)
isclose(x,y) isfinite(x) isinf(x) isnan(x) ldexp(x,y) le(x,y) lerp(x,y,0.3) lgamma(p) log(p) log10(p) log1p(p) log2(p)
logaddexp(x,y) logical_and(x,y) logical_not(x) logical_or(m,m) logit(p) lt(x,y) maximum(x,y) minimum(x,y) mul(x,y) mul(x,2.0)
nan_to_num(x) ne(x,y) neg(x) nextafter(x,y) pow(p,2) pow(p,y) rad2deg(x) reciprocal(x) relu(x) remainder(x,p) round(x)
rsqrt(p) rsub(x,y) sigmoid(x) sign(x) signbit(x) sin(x) sinc(x) sinh(x) sqrt(p) square(x) sub(x,y) tan(x) tanh(x) trunc(x)
where(m,x,y) xlogy(p,p) bitwise_and(k,k) bitwise_or(k,k) bitwise_xor(k,k) bitwise_not(k) bitwise_left_shift(k,2) gcd(k,k)
special.ndtr(x) special.entr(p) special.i0e(x) special.zeta(p+1,p) special.bessel_j0(x) special.erfcx(x)
nn.functional.gelu(x) nn.functional.silu(x) nn.functional.softplus(x) nn.functional.elu(x) nn.functional.leaky_relu(x)
nn.functional.hardtanh(x) nn.functional.mish(x) nn.functional.hardswish(x) masked_fill(x,m,0.0)
"""
REDUCING = """
sum(x) sum(x,0) sum(x,1) mean(x) mean(x,1) prod(x) prod(x,1) var(x) var(x,1) std(x) std(x,1) var_mean(x,1) amax(x) amax(x,1)
amin(x,0) aminmax(x) argmax(x) argmax(x,1) argmin(x,0) max(x) max(x,1) min(x) min(x,1) all(m) all(m,1) any(m) any(m,1)
count_nonzero(x) median(x) median(x,1) nanmedian(x) mode(x,1) kthvalue(x,3,1) quantile(x,0.3) logsumexp(x,1) nansum(x)
cumsum(x,1) cumprod(x,1) cummax(x,1) cummin(x,1) logcumsumexp(x,1) sort(x) sort(x,0) argsort(x) topk(x,3) unique(k)
unique_consecutive(k) norm(x) linalg.vector_norm(x) linalg.norm(x) softmax(x,1) log_softmax(x,1) bincount(k.reshape(-1))
histc(x) diff(x) trace(x) allclose(x,x) equal(x,x) dist(x,y) cov(x) corrcoef(x) renorm(x,2,0,1.0) nanmean(x) trapezoid(x)
searchsorted(v.sort().values,x) bucketize(x,v.sort().values) isin(k,k) cdist(x,y) nn.functional.normalize(x)
nn.functional.layer_norm(x,(8,)) nn.functional.mse_loss(x,y) nn.functional.cross_entropy(x,i[0]) nn.functional.cosine_similarity(x,y)
"""
SHAPES = """
x.view(64) x.reshape(4,16) x.t() x.T transpose(x,0,1) permute(s,(2,0,1)) x[1] x[:,2] x[1:5] x[::2] x[m] x[i] x[i[0],i[1]] x[...,None] select(x,0,1)
narrow(x,0,1,3) unsqueeze(x,0) squeeze(x) x.expand(4,8,8) x.expand_as(y) flatten(s) unflatten(x,0,(2,4)) movedim(s,0,2) swapaxes(x,0,1)
diagonal(x) diag(x) diag_embed(x) tril(x) triu(x) split(x,2) chunk(x,4) tensor_split(x,3) unbind(x) x.unfold(0,3,1) cat((x,y)) stack((x,y))
hstack((x,y)) vstack((x,y)) dstack((x,y)) flip(x,(0,)) fliplr(x) roll(x,1) rot90(x) x.repeat(2,2) tile(x,(2,2)) repeat_interleave(x,2,0)
gather(x,1,i) scatter(x,1,i,y) scatter_add(x,1,i,y) scatter_reduce(x,1,i,y,'amax') index_select(x,0,i[0]) index_add(x,0,i[0],y)
index_copy(x,0,i[0],y) index_fill(x,0,i[0],1.0) take(x,i) take_along_dim(x,i,1) masked_select(x,m) nonzero(m) argwhere(m) broadcast_to(v,(8,8))
as_strided(x,(4,4),(8,1)) meshgrid(v,w) block_diag(x,y) atleast_3d(x) column_stack((v,w)) x.clone() x.contiguous() x.detach() x.double() x.long()
x.half() x.to(t.bfloat16) x.numpy() v.tolist() v[0].item() x.data_ptr() x.stride() x.size() x.dim() view_as_real(c) view_as_complex(r) real(c) conj(c)
"""
MAKING = """
zeros(8,8) ones(8,8) empty(8,8) full((8,8),2.0) eye(8) arange(64) linspace(0,1,64) logspace(0,1,64) zeros_like(x) ones_like(x) empty_like(x)
full_like(x,2.0) x.new_zeros(8,8) tensor([1.0,2.0]) as_tensor(q) from_numpy(q) rand(8,8) randn(8,8) randint(0,9,(8,8)) randperm(64)
rand_like(x) randn_like(x) bernoulli(p) multinomial(p,3) normal(x,p) tril_indices(8,8) hann_window(64)
"""
WRITING = """
a.copy_(x) a.fill_(1.0) a.zero_() a.add_(x) a.mul_(1.0) a.clamp_(-1,1) a.uniform_() a.normal_() a.index_fill_(0,i[0],1.0) a.masked_fill_(m,0.0)
a.scatter_(1,i,y) a.index_add_(0,i[0],y) add(x,y,out=a) mul(x,y,out=a) mm(x,y,out=a) a.relu_() a.sigmoid_() a.addcmul_(x,y) a.lerp_(x,0.1)
"""
PRODUCTS = """
mm(x,y) matmul(x,y) matmul(s,x) bmm(s,s) mv(x,v) dot(v,w) outer(v,w) addmm(x,x,y) addmv(v,x,v) baddbmm(s,s,s) einsum('ij,jk->ik',x,y) tensordot(x,y,1)
kron(x,y) inner(x,y) linalg.solve(h,x) linalg.inv(h) linalg.det(h) linalg.slogdet(h) linalg.cholesky(h) linalg.qr(x) linalg.svd(x) linalg.eigh(h)
linalg.eig(x) linalg.lu(x) linalg.lu_factor(x) linalg.pinv(x) linalg.matrix_power(x,3) linalg.matrix_exp(x) linalg.lstsq(h,x) linalg.matrix_rank(x)
linalg.solve_triangular(h,x,upper=True) linalg.cross(x[:,:3],y[:,:3]) linalg.multi_dot((x,y,x)) cholesky_solve(x,h) fft.fft(x) fft.rfft(x) fft.fft2(x) fft.irfft(c)
fft.fftshift(x) nn.functional.linear(x,y,v) nn.functional.embedding(i,x) nn.functional.one_hot(i) nn.functional.pad(x,(1,1))
"""
SMALL = " ".join((POINTWISE, REDUCING, SHAPES, MAKING, WRITING, PRODUCTS)).split()
BIG = """
abs(x) add(x,y) exp(x) log(p) sin(x) tanh(x) sigmoid(x) sqrt(p) rsqrt(p) pow(p,2) pow(p,y) div(x,y) maximum(x,y) where(m,x,y) clamp(x,-1,1)
eq(x,y) isfinite(x) erf(x) lgamma(p) lerp(x,y,0.3) addcmul(x,y,p) nn.functional.gelu(x) sum(x) sum(x,0) sum(x,1) mean(x,1) var(x,1) var(x,0)
prod(x,1) amax(x,0) amax(x,1) argmax(x,1) argmax(x,0) max(x,1) logsumexp(x,1) cumsum(x,1) cumsum(x,0) cumprod(x,1) cummax(x,1) sort(x,1) argsort(x,1)
sort(x.reshape(-1)) topk(x,10) median(x,1) median(x) kthvalue(x,9,1) unique(k) bincount(k.reshape(-1)) histc(x) gather(x,1,i) index_select(x,0,i[0]) scatter_add(x,1,i,y)
index_add(x,0,i[0],y) masked_select(x,m) nonzero(m) x[m] x[i[0]] take(x,i) cat((x,y)) stack((x,y)) flip(x,(0,)) roll(x,1,1) x.t().contiguous() x.double()
x.long() x.to(t.bfloat16) tril(x) softmax(x,1) einsum('ij,kj->ik',x[:256],y[:256]) einsum('ij,ij->i',x,y) norm(x) quantile(x[:8],0.3) rand(2000,2000) randn(2000,2000)
fft.rfft(x) searchsorted(v.sort().values,x) bernoulli(p) repeat_interleave(x[:500],4,0) x.clone() all(m) any(m,1) count_nonzero(x) diff(x)
"""
LARGE = BIG.split()


def names(t: Any, n: int) -> dict[str, Any]:
    """The operands, the same in both libraries."""
    import numpy as np

    rng = np.random.default_rng(0)
    x, y, p = (rng.standard_normal((n, n)), rng.standard_normal((n, n)), rng.uniform(0.1, 0.9, (n, n)))
    numbers: dict[str, Any] = {"x": x, "y": y, "p": p, "a": x, "v": x[0], "w": y[0]}
    if n <= 8:
        numbers |= {
            "s": rng.standard_normal((n, n, n)),
            "h": x @ x.T + n * np.eye(n),
            "r": rng.standard_normal((n, n, 2)),
        }
    found = {key: t.tensor(value.astype(np.float32)) for key, value in numbers.items()}
    found |= {"i": t.tensor(rng.integers(0, n, (n, n))), "k": t.tensor(rng.integers(0, 50, (n, n)))}
    found |= {"m": t.tensor(x > 0), "q": rng.standard_normal(64).astype(np.float32), "t": t}
    found["c"] = t.complex(found["x"], found["y"])
    return found


def calling(t: Any, expression: str, operands: dict[str, Any]) -> Callable[[int], None]:
    """A function that evaluates an expression so many times."""
    method = expression.partition("(")[0].partition("[")[0].partition(".")[0] in operands
    source = f"def run(n):\n    for _ in range(n):\n        {'' if method else 't.'}{expression}\n"
    space = dict(operands)
    exec(source, space)
    return space["run"]  # type: ignore[no-any-return]


def ratio(
    ours: Callable[[int], None],
    theirs: Callable[[int], None],
    clock: Callable[[], float],
    rounds: int,
    seconds: float,
    settle: float,
) -> tuple[float, float, float]:
    """The median of the bursts' ratios, and both times of a call in seconds."""

    def timed(run: Callable[[int], None], count: int) -> float:
        # The other library's threads go on spinning for some milliseconds, on the processors that this burst needs; then
        # this one's must wake.
        time.sleep(settle)
        run(max(1, count // 4))
        begin = clock()
        run(count)
        return (clock() - begin) / count

    ours(1), theirs(1)
    count = max(1, math.ceil(seconds / max(timed(theirs, 3), 1e-7)))
    pairs = [(timed(ours, count), timed(theirs, count)) for _ in range(rounds)]
    return statistics.median(b / a for a, b in pairs), min(a for a, _ in pairs), min(b for _, b in pairs)


def main() -> None:
    import torch

    import rushlight

    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, help="length of a burst: 0.005, and 0.02 for large tensors")
    options = parser.parse_args()
    options.seconds = options.seconds or (0.02 if options.large else 0.005)
    for t in (torch, rushlight):
        t.set_num_threads(2 if options.large else 1)
    clock = time.perf_counter if options.large else time.thread_time
    warnings.simplefilter("ignore")
    operands = [names(t, 2000 if options.large else 8) for t in (rushlight, torch)]
    found: dict[str, float] = {}
    for expression in LARGE if options.large else SMALL:
        if options.names and not any(expression.startswith(name) for name in options.names):
            continue
        runs = [calling(t, expression, o) for t, o in zip((rushlight, torch), operands, strict=True)]
        value, a, b = ratio(*runs, clock, options.rounds, options.seconds, 0.02 if options.large else 0.0)
        found[expression] = value
        print(f"{expression:45s} {value:6.2f}   {a * 1e6:10.2f} us {b * 1e6:10.2f} us", flush=True)
    if found:
        slow = sorted((v, e) for e, v in found.items() if v < 0.5)
        print(
            f"\nmedian of {len(found)}: {statistics.median(found.values()):.2f}; over twice PyTorch's time: {len(slow)}"
        )
        print(" ".join(f"{e} {v:.2f}" for v, e in slow))


if __name__ == "__main__":
    main()
