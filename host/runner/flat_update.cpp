// Multiplications and additions are fused exactly where LibTorch's kernels fuse them (add with a factor,
// addcmul) and nowhere else: this file is compiled with -ffp-contract=off.
#include "runner/flat_update.hpp"

#include <algorithm>
#include <cmath>

#include "core/per_processor.hpp"

#define GRAPNEL_INLINE inline __attribute__((always_inline))

namespace grapnel::runner {
namespace {

GRAPNEL_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
GRAPNEL_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
GRAPNEL_INLINE float root(float x) { return __builtin_sqrtf(x); }
GRAPNEL_INLINE double root(double x) { return __builtin_sqrt(x); }

enum class Momentum { kNone, kFresh, kPlain, kFreshNesterov, kNesterov };

template <class T, bool kDecay, Momentum kMomentum>
GRAPNEL_INLINE void sgd_loop(const SgdRule& rule, double gradient_scale, T* __restrict parameter,
                             const T* __restrict gradient, T* __restrict buffer, int64_t count) {
  const T scale = static_cast<T>(gradient_scale);
  const T decay = static_cast<T>(rule.weight_decay);
  const T momentum = static_cast<T>(rule.momentum);
  const T share = static_cast<T>(1 - rule.dampening);
  const T step = static_cast<T>(-1 * rule.lr);
  constexpr bool kFresh = kMomentum == Momentum::kFresh || kMomentum == Momentum::kFreshNesterov;
  constexpr bool kNesterov = kMomentum == Momentum::kNesterov || kMomentum == Momentum::kFreshNesterov;
  for (int64_t i = 0; i < count; ++i) {
    T direction = gradient[i] * scale;
    if constexpr (kDecay) direction = fused(parameter[i], decay, direction);
    if constexpr (kMomentum != Momentum::kNone) {
      T kept = direction;
      if constexpr (!kFresh) kept = fused(direction, share, buffer[i] * momentum);
      buffer[i] = kept;
      if constexpr (kNesterov)
        direction = fused(kept, momentum, direction);
      else
        direction = kept;
    }
    parameter[i] = fused(direction, step, parameter[i]);
  }
}

template <class T, bool kDecay>
GRAPNEL_INLINE void sgd_with_decay(const SgdRule& rule, double scale, T* parameter, const T* gradient,
                                   T* buffer, int64_t count) {
  if (rule.momentum == 0)
    sgd_loop<T, kDecay, Momentum::kNone>(rule, scale, parameter, gradient, buffer, count);
  else if (rule.nesterov && rule.fresh)
    sgd_loop<T, kDecay, Momentum::kFreshNesterov>(rule, scale, parameter, gradient, buffer, count);
  else if (rule.nesterov)
    sgd_loop<T, kDecay, Momentum::kNesterov>(rule, scale, parameter, gradient, buffer, count);
  else if (rule.fresh)
    sgd_loop<T, kDecay, Momentum::kFresh>(rule, scale, parameter, gradient, buffer, count);
  else
    sgd_loop<T, kDecay, Momentum::kPlain>(rule, scale, parameter, gradient, buffer, count);
}

template <class T>
GRAPNEL_INLINE void sgd(const SgdRule& rule, double scale, T* parameter, const T* gradient, T* buffer,
                        int64_t count) {
  if (rule.weight_decay != 0)
    sgd_with_decay<T, true>(rule, scale, parameter, gradient, buffer, count);
  else
    sgd_with_decay<T, false>(rule, scale, parameter, gradient, buffer, count);
}

enum class Decay { kNone, kIntoGradient, kDecoupled };

template <class T, Decay kDecay, bool kAmsgrad>
GRAPNEL_INLINE void adam_loop(const AdamRule& rule, double gradient_scale, T* __restrict parameter,
                              const T* __restrict gradient, T* __restrict average,
                              T* __restrict square_average, T* __restrict largest, int64_t count) {
  const T scale = static_cast<T>(gradient_scale);
  const T decay = static_cast<T>(rule.weight_decay);
  const T shrink = static_cast<T>(1 - rule.lr * rule.weight_decay);
  const T beta1 = static_cast<T>(rule.beta1);
  const T beta2 = static_cast<T>(rule.beta2);
  const T share1 = static_cast<T>(1 - rule.beta1);
  const T share2 = static_cast<T>(1 - rule.beta2);
  const T correction = static_cast<T>(std::sqrt(rule.bias_correction2));
  const T eps = static_cast<T>(rule.eps);
  const T step = static_cast<T>(-(rule.lr / rule.bias_correction1));
  for (int64_t i = 0; i < count; ++i) {
    T value = parameter[i];
    T slope = gradient[i] * scale;
    if constexpr (kDecay == Decay::kIntoGradient) slope = fused(value, decay, slope);
    if constexpr (kDecay == Decay::kDecoupled) value *= shrink;
    const T mean = fused(slope, share1, average[i] * beta1);
    const T square = fused(share2 * slope, slope, square_average[i] * beta2);
    average[i] = mean;
    square_average[i] = square;
    T spread = square;
    if constexpr (kAmsgrad) {
      // A NaN stays, as in torch::max.
      spread = largest[i] >= square || largest[i] != largest[i] ? largest[i] : square;
      largest[i] = spread;
    }
    const T denominator = root(spread) / correction + eps;
    parameter[i] = value + step * mean / denominator;
  }
}

template <class T, Decay kDecay>
GRAPNEL_INLINE void adam_with_decay(const AdamRule& rule, double scale, T* parameter, const T* gradient,
                                    T* average, T* square_average, T* largest, int64_t count) {
  if (largest != nullptr)
    adam_loop<T, kDecay, true>(rule, scale, parameter, gradient, average, square_average, largest, count);
  else
    adam_loop<T, kDecay, false>(rule, scale, parameter, gradient, average, square_average, largest, count);
}

template <class T>
GRAPNEL_INLINE void adam(const AdamRule& rule, double scale, T* parameter, const T* gradient, T* average,
                         T* square_average, T* largest, int64_t count) {
  if (rule.weight_decay == 0)
    adam_with_decay<T, Decay::kNone>(rule, scale, parameter, gradient, average, square_average, largest,
                                     count);
  else if (rule.decoupled)
    adam_with_decay<T, Decay::kDecoupled>(rule, scale, parameter, gradient, average, square_average, largest,
                                          count);
  else
    adam_with_decay<T, Decay::kIntoGradient>(rule, scale, parameter, gradient, average, square_average,
                                             largest, count);
}

// Several sums side by side, so that one addition need not wait for the other.
template <class T>
GRAPNEL_INLINE double squares(const T* __restrict values, int64_t count) {
  constexpr int64_t kLanes = 32;
  double sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const double value = static_cast<double>(values[i + lane]);
      sums[lane] += value * value;
    }
  }
  for (; i < count; ++i) sums[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

GRAPNEL_PER_PROCESSOR double squares_of(const float* values, int64_t count) { return squares(values, count); }
GRAPNEL_PER_PROCESSOR double squares_of(const double* values, int64_t count) { return squares(values, count); }

template <class T>
double powers(const T* values, int64_t count, double order) {
  if (order == 2) return squares_of(values, count);
  double total = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double size = std::abs(static_cast<double>(values[i]));
    if (std::isinf(order)) {
      if (std::isnan(size)) return size;
      total = std::max(total, size);
    } else {
      total += std::pow(size, order);
    }
  }
  return total;
}

}  // namespace

GRAPNEL_PER_PROCESSOR void update_sgd(const SgdRule& rule, double gradient_scale, float* parameter,
                                const float* gradient, float* buffer, int64_t count) {
  sgd(rule, gradient_scale, parameter, gradient, buffer, count);
}

GRAPNEL_PER_PROCESSOR void update_sgd(const SgdRule& rule, double gradient_scale, double* parameter,
                                const double* gradient, double* buffer, int64_t count) {
  sgd(rule, gradient_scale, parameter, gradient, buffer, count);
}

GRAPNEL_PER_PROCESSOR void update_adam(const AdamRule& rule, double gradient_scale, float* parameter,
                                 const float* gradient, float* average, float* square_average, float* largest,
                                 int64_t count) {
  adam(rule, gradient_scale, parameter, gradient, average, square_average, largest, count);
}

GRAPNEL_PER_PROCESSOR void update_adam(const AdamRule& rule, double gradient_scale, double* parameter,
                                 const double* gradient, double* average, double* square_average,
                                 double* largest, int64_t count) {
  adam(rule, gradient_scale, parameter, gradient, average, square_average, largest, count);
}

double sum_of_powers(const float* values, int64_t count, double order) {
  return powers(values, count, order);
}
double sum_of_powers(const double* values, int64_t count, double order) {
  return powers(values, count, order);
}

}  // namespace grapnel::runner
