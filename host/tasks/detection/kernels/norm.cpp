#include "tasks/detection/kernels/norm.hpp"

#include <cmath>

#include "tasks/detection/kernels/parallel.hpp"

namespace grapnel::detection::kernels {
namespace {

// body(thread, first row, rows) for every block.
template <class Body>
void over_blocks(int64_t rows, int64_t channels, const Body& body) {
  const int64_t block = block_rows(channels);
  over_chunks((rows + block - 1) / block, [&](int thread, int64_t begin, int64_t end) {
    for (int64_t row = begin * block; row < std::min(end * block, rows); row += block) {
      body(thread, row, std::min(block, rows - row));
    }
  });
}

}  // namespace

int64_t block_rows(int64_t channels) {
  constexpr int64_t kFloats = 8192;  // 32 KiB
  return std::clamp<int64_t>(kFloats / channels / 8 * 8, 16, 256);
}

Moments::Moments(int64_t channels) : channels_(channels), threads_(static_cast<size_t>(thread_count())) {
  const auto count = static_cast<size_t>(channels);
  for (OfThread& thread : threads_) {
    thread.mean.assign(count, 0);
    thread.squares.assign(count, 0);
    thread.sums.resize(2 * count);
  }
}

void Moments::add(int thread, Rows<const float> z, int64_t rows) {
  OfThread& mine = threads_[static_cast<size_t>(thread)];
  float* sum = mine.sums.data();
  float* squares = sum + channels_;
  table().moments(z, rows, channels_, sum, squares);
  const double share = 1 / static_cast<double>(rows);
  const double weight = static_cast<double>(rows) / static_cast<double>(mine.rows + rows);
  const double spread = weight * static_cast<double>(mine.rows);
  for (int64_t c = 0; c < channels_; ++c) {
    const auto i = static_cast<size_t>(c);
    const double difference = sum[c] * share - mine.mean[i];
    mine.mean[i] += difference * weight;
    mine.squares[i] += squares[c] + difference * difference * spread;
  }
  mine.rows += rows;
}

void Moments::finish(std::vector<double>& mean, std::vector<double>& variance, int64_t& rows) const {
  mean = threads_[0].mean;
  variance = threads_[0].squares;
  rows = threads_[0].rows;
  for (size_t t = 1; t < threads_.size(); ++t) {
    const OfThread& other = threads_[t];
    if (other.rows == 0) continue;
    const double weight = static_cast<double>(other.rows) / static_cast<double>(rows + other.rows);
    const double spread = weight * static_cast<double>(rows);
    for (size_t c = 0; c < mean.size(); ++c) {
      const double difference = other.mean[c] - mean[c];
      mean[c] += difference * weight;
      variance[c] += other.squares[c] + difference * difference * spread;
    }
    rows += other.rows;
  }
  for (double& value : variance) value /= static_cast<double>(rows);
}

void finish_statistics(const Moments& moments, int64_t channels, const NormState& state, const NormSaved& saved) {
  std::vector<double> mean;
  std::vector<double> variance;
  int64_t rows = 0;
  moments.finish(mean, variance, rows);
  const double unbiased = static_cast<double>(rows) / static_cast<double>(std::max<int64_t>(rows - 1, 1));
  for (int64_t c = 0; c < channels; ++c) {
    const auto i = static_cast<size_t>(c);
    const double inverse = 1 / std::sqrt(variance[i] + state.epsilon);
    const double scale = state.weight[c] * inverse;
    saved.mean[c] = static_cast<float>(mean[i]);
    saved.inverse_deviation[c] = static_cast<float>(inverse);
    saved.scale[c] = static_cast<float>(scale);
    saved.shift[c] = static_cast<float>(state.bias[c] - mean[i] * scale);
    if (state.running_mean == nullptr) continue;
    state.running_mean[c] =
        static_cast<float>((1 - state.momentum) * state.running_mean[c] + state.momentum * mean[i]);
    state.running_variance[c] = static_cast<float>((1 - state.momentum) * state.running_variance[c] +
                                                   state.momentum * variance[i] * unbiased);
  }
}

void use_running_statistics(int64_t channels, const NormState& state, const NormSaved& saved) {
  for (int64_t c = 0; c < channels; ++c) {
    const double scale = state.weight[c] / std::sqrt(state.running_variance[c] + state.epsilon);
    saved.scale[c] = static_cast<float>(scale);
    saved.shift[c] = static_cast<float>(state.bias[c] - state.running_mean[c] * scale);
  }
}

void add_moments(Rows<const float> z, int64_t rows, int64_t channels, Moments& moments) {
  over_blocks(rows, channels, [&](int thread, int64_t row, int64_t count) {
    moments.add(thread, z.from(row), count);
  });
}

void normalise_silu(Rows<const float> z, int64_t rows, int64_t channels, const NormSaved& saved,
                    Rows<const float> shortcut, Rows<float> y) {
  over_blocks(rows, channels, [&](int, int64_t row, int64_t count) {
    const Rows<const float> added =
        shortcut.data == nullptr ? shortcut : shortcut.from(row);
    table().normalise_silu(z.from(row), count, channels, {saved.scale, saved.shift}, added, y.from(row));
  });
}

NormGradient silu_backward(Rows<const float> z, Rows<const float> dy, int64_t rows, int64_t channels,
                           const NormSaved& saved, Rows<float> v, float* weight_gradient, float* bias_gradient) {
  const auto count = static_cast<size_t>(channels);
  struct OfThread {
    std::vector<double> gradient, gradient_normalised;
    std::vector<float> sums;
  };
  std::vector<OfThread> threads(static_cast<size_t>(thread_count()));
  for (OfThread& thread : threads) {
    thread.gradient.assign(count, 0);
    thread.gradient_normalised.assign(count, 0);
    thread.sums.resize(2 * count);
  }
  over_blocks(rows, channels, [&](int thread, int64_t row, int64_t block) {
    OfThread& mine = threads[static_cast<size_t>(thread)];
    std::fill(mine.sums.begin(), mine.sums.end(), 0.0F);
    table().silu_backward(z.from(row), dy.from(row), block, channels, {saved.scale, saved.shift},
                          saved.mean, saved.inverse_deviation, v.from(row),
                          {mine.sums.data(), mine.sums.data() + count});
    for (size_t c = 0; c < count; ++c) {
      mine.gradient[c] += mine.sums[c];
      mine.gradient_normalised[c] += mine.sums[count + c];
    }
  });

  NormGradient result{std::vector<float>(count), std::vector<float>(count), std::vector<float>(count)};
  for (size_t c = 0; c < count; ++c) {
    double gradient = 0;
    double gradient_normalised = 0;
    for (const OfThread& thread : threads) {
      gradient += thread.gradient[c];
      gradient_normalised += thread.gradient_normalised[c];
    }
    bias_gradient[c] = static_cast<float>(gradient);
    weight_gradient[c] = static_cast<float>(gradient_normalised);
    // dz = scale * (v - mean of v - normalised z * mean of (v * normalised z))
    const double scale = saved.scale[c];
    const double by_z = -scale * saved.inverse_deviation[c] * gradient_normalised / static_cast<double>(rows);
    result.by_v[c] = saved.scale[c];
    result.by_z[c] = static_cast<float>(by_z);
    result.constant[c] = static_cast<float>(-scale * gradient / static_cast<double>(rows) - by_z * saved.mean[c]);
  }
  return result;
}

void NormGradient::append(const NormGradient& other) {
  by_v.insert(by_v.end(), other.by_v.begin(), other.by_v.end());
  by_z.insert(by_z.end(), other.by_z.begin(), other.by_z.end());
  constant.insert(constant.end(), other.constant.begin(), other.constant.end());
}

void normalise_backward(Rows<float> v, Rows<const float> z, int64_t rows, int64_t channels,
                        const NormGradient& gradient) {
  over_blocks(rows, channels, [&](int, int64_t row, int64_t count) {
    table().normalise_backward(v.from(row), z.from(row), count, channels, gradient.by_v.data(),
                               gradient.by_z.data(), gradient.constant.data());
  });
}

}  // namespace grapnel::detection::kernels
