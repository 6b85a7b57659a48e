// What each recurrent cell does with the products of a step, forward and backward. Kernel files only, as vec.h.
#pragma once

#include "core/vec_activation.h"
#include "recurrent.h"
#include "recurrent_panels.h"

namespace rl::RL_ISA {
namespace {

// Rows [row, row + rows) of the states, which are in step's rows from `start` on, and hidden units [unit, unit + units).
struct Block {
    int64_t start, row, rows, unit, units;
};

// Element (row, gate, unit) of a block's product of h and the weights.
template <class T>
struct Product {
    const T* data;
    int64_t rows, gates;
};

// body(row of the block, first unit, number of units up to a vector's).
template <class T, class Body>
RL_INLINE void each_vector(const Block& b, Body body) {
    for (int64_t i = 0; i < b.rows; ++i) {
        for (int64_t u = 0; u < b.units; u += lanes<T>) body(i, b.unit + u, smaller(lanes<T>, b.units - u), u);
    }
}

template <class T>
struct Rnn {
    static constexpr int kGates = 1;

    static void step(const ForwardJob<T>& job, const Block& b, const T*, const Product<T>& product) {
        const int64_t size = job.size;
        each_vector<T>(b, [&](int64_t i, int64_t unit, int64_t n, int64_t u) __attribute__((always_inline)) {
            const int64_t at = (b.start + b.row + i) * size + unit;
            const Vec<T> sum = get(job.gates + at, n) + get(product.data + i * product.rows + u, n);
            const Vec<T> h = job.relu ? (sum <= Vec<T>{} ? Vec<T>{} : sum) : tanh_of<T>(sum);
            put(job.out + at, h, n);
            if (job.kept) put(job.gates + at, h, n);
        });
    }

    // `total`, with rows of the block, is added to the gradient from outside if that is not null.
    static void step_backward(const BackwardJob<T>& job, const Block& b, const T* outside, T* total) {
        const int64_t size = job.size;
        each_vector<T>(b, [&](int64_t i, int64_t unit, int64_t n, int64_t) __attribute__((always_inline)) {
            const int64_t at = (b.start + b.row + i) * size + unit;
            const Vec<T> h = get(job.gates + at, n), grad = get(outside + i * size + unit, n) + get(total + i * size + unit, n);
            put(job.grad_gates + at, job.relu ? (h <= Vec<T>{} ? Vec<T>{} : grad) : (T(1) - h * h) * grad, n);
        });
    }
};

template <class T>
struct Lstm {
    static constexpr int kGates = 4;

    static void step(const ForwardJob<T>& job, const Block& b, const T*, const Product<T>& product) {
        const int64_t size = job.size;
        T* out = job.projection ? job.hidden : job.out;
        each_vector<T>(b, [&](int64_t i, int64_t unit, int64_t n, int64_t u) __attribute__((always_inline)) {
            const int64_t row = b.start + b.row + i, at = row * size + unit;
            T* gates = job.gates + row * 4 * size + unit;
            const T* p = product.data + i * product.rows + u;
            const Vec<T> in = sigmoid_of<T>(get(gates, n) + get(p, n));
            const Vec<T> forget = sigmoid_of<T>(get(gates + size, n) + get(p + product.gates, n));
            const Vec<T> candidate = tanh_of<T>(get(gates + 2 * size, n) + get(p + 2 * product.gates, n));
            const Vec<T> open = sigmoid_of<T>(get(gates + 3 * size, n) + get(p + 3 * product.gates, n));
            T* cell = job.c + (b.row + i) * size + unit;
            const Vec<T> before = get(cell, n), c = forget * before + in * candidate, bent = tanh_of<T>(c);
            put(cell, c, n);
            put(out + at, open * bent, n);
            if (!job.kept) return;
            put(gates, in, n);
            put(gates + size, forget, n);
            put(gates + 2 * size, candidate, n);
            put(gates + 3 * size, open, n);
            put(job.cells + at, before, n);
            put(job.tanhs + at, bent, n);
        });
    }

    static void step_backward(const BackwardJob<T>& job, const Block& b, const T* outside, T* total) {
        const int64_t size = job.size;
        each_vector<T>(b, [&](int64_t i, int64_t unit, int64_t n, int64_t) __attribute__((always_inline)) {
            const int64_t row = b.start + b.row + i, at = row * size + unit;
            const T* gates = job.gates + row * 4 * size + unit;
            T* grads = job.grad_gates + row * 4 * size + unit;
            const Vec<T> in = get(gates, n), forget = get(gates + size, n), candidate = get(gates + 2 * size, n);
            const Vec<T> open = get(gates + 3 * size, n), bent = get(job.tanhs + at, n);
            Vec<T> grad = get(total + i * size + unit, n);
            if (outside) grad += get(outside + i * size + unit, n);
            T* cell = job.grad_c + (b.row + i) * size + unit;
            const Vec<T> grad_c = get(cell, n) + grad * open * (T(1) - bent * bent);
            put(cell, grad_c * forget, n);
            put(grads, grad_c * candidate * (in * (T(1) - in)), n);
            put(grads + size, grad_c * get(job.cells + at, n) * (forget * (T(1) - forget)), n);
            put(grads + 2 * size, grad_c * in * (T(1) - candidate * candidate), n);
            put(grads + 3 * size, grad * bent * (open * (T(1) - open)), n);
        });
    }
};

template <class T>
struct Gru {
    static constexpr int kGates = 3;

    static void step(const ForwardJob<T>& job, const Block& b, const T* before, const Product<T>& product) {
        const int64_t size = job.size;
        each_vector<T>(b, [&](int64_t i, int64_t unit, int64_t n, int64_t u) __attribute__((always_inline)) {
            const int64_t row = b.start + b.row + i, at = row * size + unit;
            T* gates = job.gates + row * 3 * size + unit;
            const T *p = product.data + i * product.rows + u, *bias = job.bias;
            const auto from_h = [=](int gate) __attribute__((always_inline)) {
                const Vec<T> value = get(p + gate * product.gates, n);
                return bias ? value + get(bias + gate * size + unit, n) : value;
            };
            const Vec<T> reset = sigmoid_of<T>(get(gates, n) + from_h(0));
            const Vec<T> update = sigmoid_of<T>(get(gates + size, n) + from_h(1));
            const Vec<T> candidate = from_h(2);
            const Vec<T> fresh = tanh_of<T>(get(gates + 2 * size, n) + reset * candidate);
            put(job.out + at, (get(before + i * size + unit, n) - fresh) * update + fresh, n);
            if (!job.kept) return;
            put(gates, reset, n);
            put(gates + size, update, n);
            put(gates + 2 * size, fresh, n);
            put(job.candidates + at, candidate, n);
        });
    }

    // Leaves in `total` what goes to the h before without passing the gates.
    static void step_backward(const BackwardJob<T>& job, const Block& b, const T* outside, T* total) {
        const int64_t size = job.size;
        each_vector<T>(b, [&](int64_t i, int64_t unit, int64_t n, int64_t) __attribute__((always_inline)) {
            const int64_t row = b.start + b.row + i, at = row * size + unit, first = row * 3 * size + unit;
            const Vec<T> reset = get(job.gates + first, n), update = get(job.gates + first + size, n);
            const Vec<T> fresh = get(job.gates + first + 2 * size, n);
            const Vec<T> grad = get(outside + i * size + unit, n) + get(total + i * size + unit, n), rest = T(1) - update;
            const Vec<T> grad_n = (T(1) - fresh * fresh) * grad * rest;
            const Vec<T> grad_z = (get(job.befores + at, n) - fresh) * grad * rest * update;
            const Vec<T> grad_r = (T(1) - reset) * reset * get(job.candidates + at, n) * grad_n;
            T *gates = job.grad_gates + first, *products = job.grad_products + first;
            put(gates, grad_r, n);
            put(gates + size, grad_z, n);
            put(gates + 2 * size, grad_n, n);
            put(products, grad_r, n);
            put(products + size, grad_z, n);
            put(products + 2 * size, grad_n * reset, n);
            put(total + i * size + unit, grad * update, n);
        });
    }
};

}  // namespace
}  // namespace rl::RL_ISA
