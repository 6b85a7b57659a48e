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
            const Vec<T> sum = load_n(job.gates + at, n) + load_n(product.data + i * product.rows + u, n);
            const Vec<T> h = job.relu ? (sum <= Vec<T>{} ? Vec<T>{} : sum) : tanh_of<T>(sum);
            store_n(job.out + at, h, n);
            if (job.kept) store_n(job.gates + at, h, n);
        });
    }

    // `total`, with rows of the block, is added to the gradient from outside if that is not null.
    static void step_backward(const BackwardJob<T>& job, const Block& b, const T* outside, T* total) {
        const int64_t size = job.size;
        each_vector<T>(b, [&](int64_t i, int64_t unit, int64_t n, int64_t) __attribute__((always_inline)) {
            const int64_t at = (b.start + b.row + i) * size + unit;
            const Vec<T> h = load_n(job.gates + at, n), grad = load_n(outside + i * size + unit, n) + load_n(total + i * size + unit, n);
            store_n(job.grad_gates + at, job.relu ? (h <= Vec<T>{} ? Vec<T>{} : grad) : (T(1) - h * h) * grad, n);
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
            const Vec<T> in = sigmoid_of<T>(load_n(gates, n) + load_n(p, n));
            const Vec<T> forget = sigmoid_of<T>(load_n(gates + size, n) + load_n(p + product.gates, n));
            const Vec<T> candidate = tanh_of<T>(load_n(gates + 2 * size, n) + load_n(p + 2 * product.gates, n));
            const Vec<T> open = sigmoid_of<T>(load_n(gates + 3 * size, n) + load_n(p + 3 * product.gates, n));
            T* cell = job.c + (b.row + i) * size + unit;
            const Vec<T> before = load_n(cell, n), c = forget * before + in * candidate, bent = tanh_of<T>(c);
            store_n(cell, c, n);
            store_n(out + at, open * bent, n);
            if (!job.kept) return;
            store_n(gates, in, n);
            store_n(gates + size, forget, n);
            store_n(gates + 2 * size, candidate, n);
            store_n(gates + 3 * size, open, n);
            store_n(job.cells + at, before, n);
            store_n(job.tanhs + at, bent, n);
        });
    }

    static void step_backward(const BackwardJob<T>& job, const Block& b, const T* outside, T* total) {
        const int64_t size = job.size;
        each_vector<T>(b, [&](int64_t i, int64_t unit, int64_t n, int64_t) __attribute__((always_inline)) {
            const int64_t row = b.start + b.row + i, at = row * size + unit;
            const T* gates = job.gates + row * 4 * size + unit;
            T* grads = job.grad_gates + row * 4 * size + unit;
            const Vec<T> in = load_n(gates, n), forget = load_n(gates + size, n), candidate = load_n(gates + 2 * size, n);
            const Vec<T> open = load_n(gates + 3 * size, n), bent = load_n(job.tanhs + at, n);
            Vec<T> grad = load_n(total + i * size + unit, n);
            if (outside) grad += load_n(outside + i * size + unit, n);
            T* cell = job.grad_c + (b.row + i) * size + unit;
            const Vec<T> grad_c = load_n(cell, n) + grad * open * (T(1) - bent * bent);
            store_n(cell, grad_c * forget, n);
            store_n(grads, grad_c * candidate * (in * (T(1) - in)), n);
            store_n(grads + size, grad_c * load_n(job.cells + at, n) * (forget * (T(1) - forget)), n);
            store_n(grads + 2 * size, grad_c * in * (T(1) - candidate * candidate), n);
            store_n(grads + 3 * size, grad * bent * (open * (T(1) - open)), n);
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
                const Vec<T> value = load_n(p + gate * product.gates, n);
                return bias ? value + load_n(bias + gate * size + unit, n) : value;
            };
            const Vec<T> reset = sigmoid_of<T>(load_n(gates, n) + from_h(0));
            const Vec<T> update = sigmoid_of<T>(load_n(gates + size, n) + from_h(1));
            const Vec<T> candidate = from_h(2);
            const Vec<T> fresh = tanh_of<T>(load_n(gates + 2 * size, n) + reset * candidate);
            store_n(job.out + at, (load_n(before + i * size + unit, n) - fresh) * update + fresh, n);
            if (!job.kept) return;
            store_n(gates, reset, n);
            store_n(gates + size, update, n);
            store_n(gates + 2 * size, fresh, n);
            store_n(job.candidates + at, candidate, n);
        });
    }

    // Leaves in `total` what goes to the h before without passing the gates.
    static void step_backward(const BackwardJob<T>& job, const Block& b, const T* outside, T* total) {
        const int64_t size = job.size;
        each_vector<T>(b, [&](int64_t i, int64_t unit, int64_t n, int64_t) __attribute__((always_inline)) {
            const int64_t row = b.start + b.row + i, at = row * size + unit, first = row * 3 * size + unit;
            const Vec<T> reset = load_n(job.gates + first, n), update = load_n(job.gates + first + size, n);
            const Vec<T> fresh = load_n(job.gates + first + 2 * size, n);
            const Vec<T> grad = load_n(outside + i * size + unit, n) + load_n(total + i * size + unit, n), rest = T(1) - update;
            const Vec<T> grad_n = (T(1) - fresh * fresh) * grad * rest;
            const Vec<T> grad_z = (load_n(job.befores + at, n) - fresh) * grad * rest * update;
            const Vec<T> grad_r = (T(1) - reset) * reset * load_n(job.candidates + at, n) * grad_n;
            T *gates = job.grad_gates + first, *products = job.grad_products + first;
            store_n(gates, grad_r, n);
            store_n(gates + size, grad_z, n);
            store_n(gates + 2 * size, grad_n, n);
            store_n(products, grad_r, n);
            store_n(products + size, grad_z, n);
            store_n(products + 2 * size, grad_n * reset, n);
            store_n(total + i * size + unit, grad * update, n);
        });
    }
};

}  // namespace
}  // namespace rl::RL_ISA
