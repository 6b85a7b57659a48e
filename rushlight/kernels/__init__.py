"""Numeric kernels, array in and array out: the compiled one where it takes the arrays, else the NumPy reference."""

from __future__ import annotations

import numpy as np

from .dispatch import native_available, prefer_native
from .reference import (
    arithmetic,
    channels,
    conversion,
    elementwise,
    factors,
    int8,
    linalg,
    loss,
    marks,
    norm,
    optim,
    pointwise,
    reduce,
    rows,
    scan,
    sequences,
    sorting,
    views,
)
from .reference import attention as _attention
from .reference import copy as _copy

__all__ = [
    "absolute", "accumulate", "adadelta_step", "adagrad_step", "adam_step", "adamax_step", "add", "add_product",
    "add_quotient", "address", "all_equal", "asgd_step", "attention", "attention_backward", "channel_sums", "clamp",
    "clamp_marked", "convert", "copy_into", "count_of_all", "divide", "element_strides", "elements_view", "elu", "exp",
    "extremum_along", "extremum_over", "gather_max", "gather_sum", "gelu", "gelu_backward", "gemm", "hardswish",
    "int8_pack", "int8_product", "int8_quantize", "int8_range", "interpolate", "keep_marked", "kth_along",
    "leaky_relu", "leaky_relu_backward", "linear_backward", "log_softmax", "log_softmax_backward", "log_sum_exp_along",
    "log_sum_exp_over", "lu_factor", "maximum", "mean", "median_along", "minimum", "mish", "mode_along",
    "moments_over", "multiply", "nadam_step", "native_available", "negative", "normalize", "normalize_backward",
    "place_over", "product_along", "product_over", "qr_factor", "radam_step", "reciprocal", "reciprocal_sqrt",
    "relu_forward", "rms_normalize", "rms_normalize_backward", "rmsprop_step", "rprop_step", "scale_all",
    "scale_channels", "scatter_sum", "sgd_step", "sigmoid", "sigmoid_backward", "silu", "silu_backward", "softmax",
    "softmax_backward", "softmax_cross_entropy", "softmax_cross_entropy_backward", "softplus", "solve_triangular",
    "sort_along", "spaced", "sqrt", "square", "squares_of_all", "strided_view", "subtract", "sum_along", "sum_over",
    "tanh", "tanh_backward", "threshold_backward", "topk_along", "trace", "triangle", "unmarked",
]  # fmt: skip

attention = prefer_native(_attention.attention)
attention_backward = prefer_native(_attention.attention_backward)

channel_sums = prefer_native(channels.channel_sums)
scale_channels = prefer_native(channels.scale_channels)
copy_into = prefer_native(_copy.copy_into)
joined = prefer_native(_copy.joined)
stacked = prefer_native(_copy.stacked)
triangle = prefer_native(_copy.triangle)

gemm = prefer_native(linalg.gemm)
linear_backward = prefer_native(linalg.linear_backward)
lu_factor = prefer_native(factors.lu_factor)
qr_factor = prefer_native(factors.qr_factor)
solve_triangular = prefer_native(factors.solve_triangular)

int8_pack = prefer_native(int8.int8_pack)
int8_product = prefer_native(int8.int8_product)
int8_quantize = prefer_native(int8.int8_quantize)
int8_range = prefer_native(int8.int8_range)

relu_forward = prefer_native(elementwise.relu_forward)
threshold_backward = prefer_native(elementwise.threshold_backward)

log_softmax = prefer_native(loss.log_softmax)
log_softmax_backward = prefer_native(loss.log_softmax_backward)
softmax = prefer_native(loss.softmax)
softmax_backward = prefer_native(loss.softmax_backward)
softmax_cross_entropy = prefer_native(loss.softmax_cross_entropy)
softmax_cross_entropy_backward = prefer_native(loss.softmax_cross_entropy_backward)

adadelta_step = prefer_native(optim.adadelta_step)
adagrad_step = prefer_native(optim.adagrad_step)
adam_step = prefer_native(optim.adam_step)
adamax_step = prefer_native(optim.adamax_step)
asgd_step = prefer_native(optim.asgd_step)
nadam_step = prefer_native(optim.nadam_step)
radam_step = prefer_native(optim.radam_step)
rmsprop_step = prefer_native(optim.rmsprop_step)
rprop_step = prefer_native(optim.rprop_step)
scale_all = prefer_native(optim.scale_all)
sgd_step = prefer_native(optim.sgd_step)
squares_of_all = prefer_native(optim.squares_of_all)

absolute = prefer_native(np.absolute)
accumulate = prefer_native(arithmetic.accumulate)
add = prefer_native(np.add)
add_product = prefer_native(arithmetic.add_product)
add_quotient = prefer_native(arithmetic.add_quotient)
divide = prefer_native(np.divide)
interpolate = prefer_native(arithmetic.interpolate)
maximum = prefer_native(np.maximum)
minimum = prefer_native(np.minimum)
multiply = prefer_native(np.multiply)
negative = prefer_native(np.negative)
reciprocal = prefer_native(np.reciprocal)
reciprocal_sqrt = prefer_native(arithmetic.reciprocal_sqrt)
sqrt = prefer_native(np.sqrt)
square = prefer_native(np.square)
subtract = prefer_native(np.subtract)

exp = prefer_native(np.exp)
tanh = prefer_native(np.tanh)
gelu = prefer_native(pointwise.gelu)
leaky_relu = prefer_native(pointwise.leaky_relu)
sigmoid = prefer_native(pointwise.sigmoid)
silu = prefer_native(pointwise.silu)
gelu_backward = prefer_native(pointwise.gelu_backward)
leaky_relu_backward = prefer_native(pointwise.leaky_relu_backward)
sigmoid_backward = prefer_native(pointwise.sigmoid_backward)
silu_backward = prefer_native(pointwise.silu_backward)
tanh_backward = prefer_native(pointwise.tanh_backward)

sum_over = prefer_native(reduce.sum_over)
mean = prefer_native(reduce.mean)
moments_over = prefer_native(reduce.moments_over)
convert = prefer_native(conversion.convert)

all_equal = prefer_native(reduce.all_equal)
count_of_all = prefer_native(reduce.count_of_all)
log_sum_exp_over = prefer_native(reduce.log_sum_exp_over)
product_over = prefer_native(reduce.product_over)
extremum_over = prefer_native(reduce.extremum_over)
place_over = prefer_native(reduce.place_over)
trace = prefer_native(reduce.trace)

gather_max = prefer_native(rows.gather_max)
gather_sum = prefer_native(rows.gather_sum)
scatter_sum = prefer_native(rows.scatter_sum)

normalize = prefer_native(norm.normalize)
normalize_backward = prefer_native(norm.normalize_backward)
rms_normalize = prefer_native(norm.rms_normalize)
rms_normalize_backward = prefer_native(norm.rms_normalize_backward)

extremum_along = prefer_native(scan.extremum_along)
log_sum_exp_along = prefer_native(scan.log_sum_exp_along)
product_along = prefer_native(scan.product_along)
sum_along = prefer_native(scan.sum_along)

spaced = prefer_native(sequences.spaced)

kth_along = prefer_native(sorting.kth_along)
median_along = prefer_native(sorting.median_along)
mode_along = prefer_native(sorting.mode_along)
sort_along = prefer_native(sorting.sort_along)
topk_along = prefer_native(sorting.topk_along)

clamp = prefer_native(pointwise.clamp)
clamp_marked = prefer_native(marks.clamp_marked)
keep_marked = prefer_native(marks.keep_marked)
unmarked = marks.unmarked
select = prefer_native(pointwise.select)

elu = prefer_native(pointwise.elu)
hardswish = prefer_native(pointwise.hardswish)
mish = prefer_native(pointwise.mish)
softplus = prefer_native(pointwise.softplus)

address = prefer_native(views.address)
element_strides = prefer_native(views.element_strides)
elements_view = prefer_native(views.elements_view)
strided_view = prefer_native(views.strided_view)
