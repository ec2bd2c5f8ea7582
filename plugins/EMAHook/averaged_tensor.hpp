// One parameter or buffer and the running average that is kept of it, in the memory order of the tensor
// itself, so that updating and swapping are single passes over dense memory whatever its strides.
#pragma once

#include <grapnel/hook.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace grapnel::ema {

// float32 or float64 on the CPU: what can be averaged here.
bool is_floating(const grapnel_tensor& view);
// Throws grapnel::Error naming the tensor when it cannot be averaged: another float type, or not on the CPU.
void require_supported(const std::string& name, const grapnel_tensor& view);

class AveragedTensor {
 public:
  // Starts with the view's values.
  AveragedTensor(std::string name, const grapnel_tensor& view);

  const std::string& name() const { return name_; }

  // average += momentum * (view - average). The view may have moved or changed its strides, not its shape.
  void update(const grapnel_tensor& view, double momentum);
  // average = view.
  void copy_from(const grapnel_tensor& view);
  // Exchanges the average and what the view shows.
  void swap_with(const grapnel_tensor& view);

  // The kept values as a contiguous (row-major) tensor; valid until the next call on this object.
  grapnel_tensor contiguous();

 private:
  void require_same_shape(const grapnel_tensor& view) const;
  // Takes over the view's strides: from then on both have one memory order.
  void follow_layout(const grapnel_tensor& view);
  void set_layout(const grapnel_tensor& view);

  std::string name_;
  grapnel_dtype dtype_{};
  std::vector<int64_t> shape_;
  std::vector<int64_t> strides_;  // of `kept_` if it is dense; else row-major order
  bool is_dense_ = false;         // the view covers its memory without gaps
  size_t count_ = 0;              // elements
  std::vector<uint64_t> kept_;    // count_ elements; uint64_t for alignment
  std::vector<uint64_t> scratch_;
  std::vector<int64_t> row_major_;
};

// Copies what the view shows into row-major order, and back.
void gather(const grapnel_tensor& view, void* row_major);
void scatter(const void* row_major, const grapnel_tensor& view);

}  // namespace grapnel::ema
