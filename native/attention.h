#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// Stacks of matrices (sample, head, row, column) whose columns lie side by side; strides in elements.
template <class T>
struct Heads {
    T* data;
    int64_t sample, head, row;
};

// What is added to the scores (numbers), or which of them count (choices); none where both are null. Keys lie side by side.
template <class T>
struct AttentionMask {
    const T* numbers;
    const uint8_t* choices;
    int64_t sample, head, row;
};

template <class T>
struct AttentionJob {
    int64_t samples, heads, group;  // `group` heads of queries share one of keys and values
    int64_t queries, keys, width;
    Heads<const T> query, key, value;
    AttentionMask<T> mask;
    bool causal;  // query i sees keys 0 ... i
    T scale;
};

template <class T>
struct AttentionGradients {
    Heads<const T> grad, out;   // the result's gradient and the result, (samples, heads, queries, width)
    const T* normalizer;        // as the forward kernel wrote it
    Heads<T> to_query, to_key, to_value;
};

template <class T>
struct AttentionKernels {
    // out = softmax(q k^T scale + mask) v. normalizer (samples, heads, queries): the logarithm of the sum of the scores'
    // exponentials; infinity where no key is seen, whose result is 0. False when there was no memory.
    bool (*forward)(const AttentionJob<T>& job, Heads<T> out, T* normalizer);
    bool (*backward)(const AttentionJob<T>& job, const AttentionGradients<T>& gradients);
};

RL_KERNEL_TABLE(AttentionKernels<float>, attention_f32)
RL_KERNEL_TABLE(AttentionKernels<double>, attention_f64)

template <class T>
const AttentionKernels<T>& attention_kernels();
template <>
inline const AttentionKernels<float>& attention_kernels<float>() { return active_attention_f32(); }
template <>
inline const AttentionKernels<double>& attention_kernels<double>() { return active_attention_f64(); }

}  // namespace rl
