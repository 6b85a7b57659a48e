// Recurrent layers over a whole sequence, in one direction.
#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// The steps of a sequence, in the order in which they are taken. The rows of all steps lie one below the other; step t has
// `counts[t]` of them from `starts[t]` on, which belong to the first states. Counts only fall, or only rise.
struct Steps {
    const int64_t* starts;
    const int64_t* counts;
    int64_t length;
    int64_t rows;   // of all steps
    int64_t batch;  // states; no count is larger
};

// One for all cells: what a cell doesn't have is null. `given` is the width of h: `size` (of c), unless it is projected.
template <class T>
struct ForwardJob {
    Steps steps;
    int64_t size, given;
    bool relu = false;    // RNN
    T* gates = nullptr;             // (rows, gates * size): from the input; if kept, activated in place
    const T* weight = nullptr;      // (gates * size, given)
    const T* bias = nullptr;        // GRU: (gates * size), or null
    const T* projection = nullptr;  // LSTM: (given, size), or null
    const T* first = nullptr;       // (batch, given): h before the first step
    T* last = nullptr;              // (batch, given): h after the last; also of states without a step
    T* c = nullptr;                 // LSTM: (batch, size), from the first to the last
    T* out = nullptr;               // (rows, given): every h; an RNN's may be `gates`
    T* hidden = nullptr;            // LSTM with a projection: (rows, size), what is projected
    // What backward needs of each step: h and c before it, tanh of c after it, a GRU's product for n. Null unless kept.
    bool kept = false;
    T* befores = nullptr;     // (rows, given)
    T* cells = nullptr;       // (rows, size)
    T* tanhs = nullptr;       // (rows, size)
    T* candidates = nullptr;  // (rows, size)
};

template <class T>
struct BackwardJob {
    Steps steps;
    int64_t size, given;
    bool relu = false;
    // As forward left them; an RNN's gates are h.
    const T *gates = nullptr, *weight = nullptr, *projection = nullptr, *befores = nullptr;
    const T *cells = nullptr, *tanhs = nullptr, *candidates = nullptr;
    const T* grad = nullptr;     // (rows, given): of every h
    T* grad_h = nullptr;         // (batch, given): of the last h, then of the first
    T* grad_c = nullptr;         // LSTM: likewise
    T* grad_gates = nullptr;     // (rows, gates * size): of what comes from the input
    T* grad_products = nullptr;  // likewise, of what comes from h; the same array unless it is a GRU
    T* projected = nullptr;      // LSTM with a projection: (rows, given), the whole gradient of every h
};

template <class T>
struct RecurrentKernels {
    // False when there was no memory; nothing that was written then means anything.
    using Forward = bool (*)(const ForwardJob<T>& job);
    using Backward = bool (*)(const BackwardJob<T>& job);
    Forward rnn, lstm, gru;
    Backward rnn_backward, lstm_backward, gru_backward;
};

RL_KERNEL_TABLE(RecurrentKernels<float>, recurrent_f32)
RL_KERNEL_TABLE(RecurrentKernels<double>, recurrent_f64)

template <class T>
const RecurrentKernels<T>& recurrent_kernels();
template <>
inline const RecurrentKernels<float>& recurrent_kernels<float>() { return active_recurrent_f32(); }
template <>
inline const RecurrentKernels<double>& recurrent_kernels<double>() { return active_recurrent_f64(); }

}  // namespace rl
