#pragma once

#include <cstdint>

#include "core/isa.h"

namespace rl {

// A parameter, or a row of one, and what a step reads and writes with it. States that a configuration has none of are null.
template <class T>
struct StepTensor {
    T* param;
    const T* grad;
    T* state[3];
    int64_t size;
    bool fresh;  // the momentum buffer's first step: it becomes a copy of the gradient
};

// The options that all steps have.
struct Descent {
    double weight_decay;  // added to the gradient
    bool maximize;
};

// state: momentum buffer.
struct SgdOptions {
    Descent descent;
    double lr, momentum, dampening;
    bool nesterov;
};

// state: mean, square, largest square. `keep` is what is left of the parameter, 1 without decoupled weight decay; the step is
// rate · mean / (sqrt(square) · root_scale + eps).
struct AdamOptions {
    Descent descent;
    double beta1, beta2, eps, keep, rate, root_scale;
};

// state: sum of squares.
struct AdagradOptions {
    Descent descent;
    double rate, eps;
};

// state: square, mean (of a centered step), momentum buffer.
struct RmspropOptions {
    Descent descent;
    double lr, alpha, eps, momentum;
};

// state: square, square of the changes.
struct AdadeltaOptions {
    Descent descent;
    double lr, rho, eps;
};

// state: mean, square. The step is now · gradient / root + ahead · mean / root.
struct NadamOptions {
    Descent descent;
    double beta1, beta2, eps, keep, correction, now, ahead;
};

// state: mean, square. The step is rate · mean / (sqrt(square) + eps), or rate · mean while the variance is not tractable.
struct RadamOptions {
    Descent descent;
    double beta1, beta2, eps, keep, rate;
    bool adaptive;
};

// state: mean, largest gradient.
struct AdamaxOptions {
    Descent descent;
    double rate, beta1, beta2, eps;
};

// state: average. With share 1 it becomes a copy of the parameter.
struct AsgdOptions {
    Descent descent;
    double rate, keep, share;
};

// state: gradient before, step size.
struct RpropOptions {
    Descent descent;
    double down, up, smallest, largest;
};

// In place, over all tensors, no two of which overlap.
template <class T, class Options>
using StepKernel = void (*)(const StepTensor<T>* tensors, int64_t count, const Options& options);

template <class T>
struct OptimKernels {
    StepKernel<T, SgdOptions> sgd;
    StepKernel<T, AdamOptions> adam;
    StepKernel<T, AdagradOptions> adagrad;
    StepKernel<T, RmspropOptions> rmsprop;
    StepKernel<T, AdadeltaOptions> adadelta;
    StepKernel<T, NadamOptions> nadam;
    StepKernel<T, RadamOptions> radam;
    StepKernel<T, AdamaxOptions> adamax;
    StepKernel<T, AsgdOptions> asgd;
    StepKernel<T, RpropOptions> rprop;
    // The sum of the squares of all elements of the tensors' `grad`.
    double (*squares)(const StepTensor<T>* tensors, int64_t count);
    // The tensors' `param` times a factor.
    void (*scale)(const StepTensor<T>* tensors, int64_t count, double factor);
};

RL_KERNEL_TABLE(OptimKernels<float>, optim_f32)
RL_KERNEL_TABLE(OptimKernels<double>, optim_f64)

template <class T>
const OptimKernels<T>& optim_kernels();
template <>
inline const OptimKernels<float>& optim_kernels<float>() { return active_optim_f32(); }
template <>
inline const OptimKernels<double>& optim_kernels<double>() { return active_optim_f64(); }

}  // namespace rl
