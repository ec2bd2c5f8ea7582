// BatchNorm + SiLU over a matrix of pixels x channels, forward and backward, in as few passes over memory as
// there can be. Statistics are taken block by block around each block's own mean and merged in double (Chan,
// Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979).
#pragma once

#include <cstdint>
#include <vector>

#include "tasks/detection/kernels/kernel_table.hpp"

namespace grapnel::detection::kernels {

// Rows that one call of a kernel works on: what they touch fits into the second-level cache.
int64_t block_rows(int64_t channels);

// Per-channel mean and variance of rows that several threads add.
class Moments {
 public:
  explicit Moments(int64_t channels);
  void add(int thread, Rows<const float> z, int64_t rows);
  // Merges what the threads have. `variance` is the biased one.
  void finish(std::vector<double>& mean, std::vector<double>& variance, int64_t& rows) const;

 private:
  struct OfThread {
    int64_t rows = 0;
    std::vector<double> mean, squares;
    std::vector<float> sums;  // of one block: [2, channels]
  };
  int64_t channels_;
  std::vector<OfThread> threads_;
};

// A layer's BatchNorm in training. Pointers are per channel.
struct NormState {
  const float* weight;
  const float* bias;
  float* running_mean;      // null: not tracked
  float* running_variance;
  double momentum;
  double epsilon;
};

// What backward needs of a forward: four rows of `channels` floats.
struct NormSaved {
  float* scale;  // weight / deviation
  float* shift;
  float* mean;
  float* inverse_deviation;
};

// Fills `saved` from the batch's statistics and moves the running ones.
void finish_statistics(const Moments& moments, int64_t channels, const NormState& state, const NormSaved& saved);
// Fills scale and shift from the running statistics.
void use_running_statistics(int64_t channels, const NormState& state, const NormSaved& saved);

void add_moments(Rows<const float> z, int64_t rows, int64_t channels, Moments& moments);
// y = silu of the normalised z, plus `shortcut` where its data is not null.
void normalise_silu(Rows<const float> z, int64_t rows, int64_t channels, const NormSaved& saved,
                    Rows<const float> shortcut, Rows<float> y);

// The gradient of z, from v, is by_v * v + by_z * z + constant. Per channel.
struct NormGradient {
  std::vector<float> by_v, by_z, constant;

  void append(const NormGradient& other);
};

// v = dy * silu'; fills the gradients of weight and bias, and what turns v into z's gradient.
NormGradient silu_backward(Rows<const float> z, Rows<const float> dy, int64_t rows, int64_t channels,
                           const NormSaved& saved, Rows<float> v, float* weight_gradient, float* bias_gradient);
// v becomes the gradient of z.
void normalise_backward(Rows<float> v, Rows<const float> z, int64_t rows, int64_t channels,
                        const NormGradient& gradient);

}  // namespace grapnel::detection::kernels
