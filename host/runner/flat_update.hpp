// The update rules of SGD, Adam and AdamW for a run of elements in memory. Each element goes through the same
// operations in the same order as in LibTorch's own optimisers, so that the results are theirs, but in one
// pass.
#pragma once

#include <cstdint>

namespace grapnel::runner {

struct SgdRule {
  double lr;
  double momentum;
  double dampening;
  double weight_decay;
  bool nesterov;
  bool fresh;  // no momentum yet: the buffer is only written
};

// Of one parameter at its step number t = 1, 2, ...
struct AdamRule {
  double lr;
  double beta1;
  double beta2;
  double eps;
  double weight_decay;
  bool decoupled;           // AdamW: the decay acts on the parameter itself
  double bias_correction1;  // 1 - beta1^t
  double bias_correction2;  // 1 - beta2^t
};

// `count` elements each; no two arrays overlap. Each gradient is multiplied by `gradient_scale` first.
// `buffer` is not touched when momentum is 0. `largest`: AMSGrad's running maximum, or null.
void update_sgd(const SgdRule& rule, double gradient_scale, float* parameter, const float* gradient,
                float* buffer, int64_t count);
void update_sgd(const SgdRule& rule, double gradient_scale, double* parameter, const double* gradient,
                double* buffer, int64_t count);
void update_adam(const AdamRule& rule, double gradient_scale, float* parameter, const float* gradient,
                 float* average, float* square_average, float* largest, int64_t count);
void update_adam(const AdamRule& rule, double gradient_scale, double* parameter, const double* gradient,
                 double* average, double* square_average, double* largest, int64_t count);

// The sum of |x|^order, in double; order infinity: the largest |x|, NaN if there is one.
double sum_of_powers(const float* values, int64_t count, double order);
double sum_of_powers(const double* values, int64_t count, double order);

}  // namespace grapnel::runner
