#include "averaged_tensor.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace grapnel::ema {

namespace {

char* first_element(const grapnel_tensor& view) { return static_cast<char*>(view.data) + view.byte_offset; }
size_t element_size(grapnel_dtype dtype) { return dtype.bits / 8u; }

size_t element_count(const grapnel_tensor& view) {
  size_t count = 1;
  for (int32_t d = 0; d < view.ndim; ++d) count *= static_cast<size_t>(view.shape[d]);
  return count;
}

std::vector<int64_t> row_major_strides(const grapnel_tensor& view) {
  std::vector<int64_t> strides(static_cast<size_t>(view.ndim));
  int64_t stride = 1;
  for (size_t d = strides.size(); d-- > 0;) {
    strides[d] = stride;
    stride *= view.shape[d];
  }
  return strides;
}

// Whether the elements fill one block of memory, in whatever order of dimensions.
bool covers_its_memory(const grapnel_tensor& view) {
  std::vector<size_t> order(static_cast<size_t>(view.ndim));
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return view.strides[a] < view.strides[b]; });
  int64_t expected = 1;
  for (const size_t d : order) {
    if (view.shape[d] == 1) continue;
    if (view.strides[d] != expected) return false;
    expected *= view.shape[d];
  }
  return true;
}

// Calls body(offset in elements) for every element in row-major order.
template <class Body>
void for_each_element(const grapnel_tensor& view, Body&& body) {
  const size_t count = element_count(view);
  std::vector<int64_t> index(static_cast<size_t>(view.ndim), 0);
  int64_t offset = 0;
  for (size_t i = 0; i < count; ++i) {
    body(offset);
    for (size_t d = index.size(); d-- > 0;) {
      offset += view.strides[d];
      if (++index[d] < view.shape[d]) break;
      offset -= view.strides[d] * view.shape[d];
      index[d] = 0;
    }
  }
}

// As torch.lerp_: whichever end is nearer is the one that the step starts from.
template <class T>
void lerp(T* __restrict average, const T* __restrict source, size_t count, double momentum) {
  if (momentum < 0.5) {
    const T step = static_cast<T>(momentum);
    for (size_t i = 0; i < count; ++i) average[i] += step * (source[i] - average[i]);
  } else {
    const T rest = static_cast<T>(1 - momentum);
    for (size_t i = 0; i < count; ++i) average[i] = source[i] - (source[i] - average[i]) * rest;
  }
}

}  // namespace

bool is_floating(const grapnel_tensor& view) {
  return view.dtype.code == GRAPNEL_DTYPE_FLOAT || view.dtype.code == GRAPNEL_DTYPE_BFLOAT;
}

void require_supported(const std::string& name, const grapnel_tensor& view) {
  if (view.device.type != GRAPNEL_DEVICE_CPU) {
    throw Error("'" + name + "' is not on the CPU: weights are averaged in main memory only",
                GRAPNEL_STATUS_UNSUPPORTED);
  }
  const bool is_known = view.dtype.code == GRAPNEL_DTYPE_FLOAT && view.dtype.lanes == 1 &&
                        (view.dtype.bits == 32 || view.dtype.bits == 64);
  if (!is_known) {
    throw Error("'" + name + "' has " + std::to_string(view.dtype.bits) +
                    " bit numbers: only float32 and float64 weights are averaged",
                GRAPNEL_STATUS_UNSUPPORTED);
  }
}

void gather(const grapnel_tensor& view, void* row_major) {
  const size_t size = element_size(view.dtype);
  auto* out = static_cast<char*>(row_major);
  for_each_element(view, [&](int64_t offset) {
    std::memcpy(out, first_element(view) + offset * static_cast<int64_t>(size), size);
    out += size;
  });
}

void scatter(const void* row_major, const grapnel_tensor& view) {
  const size_t size = element_size(view.dtype);
  const auto* in = static_cast<const char*>(row_major);
  for_each_element(view, [&](int64_t offset) {
    std::memcpy(first_element(view) + offset * static_cast<int64_t>(size), in, size);
    in += size;
  });
}

AveragedTensor::AveragedTensor(std::string name, const grapnel_tensor& view)
    : name_(std::move(name)),
      dtype_(view.dtype),
      shape_(view.shape, view.shape + view.ndim),
      count_(element_count(view)) {
  require_supported(name_, view);
  kept_.resize((count_ * element_size(dtype_) + 7) / 8);
  set_layout(view);
  copy_from(view);
}

void AveragedTensor::set_layout(const grapnel_tensor& view) {
  is_dense_ = covers_its_memory(view);
  row_major_ = row_major_strides(view);
  strides_.assign(view.strides, view.strides + view.ndim);
}

void AveragedTensor::require_same_shape(const grapnel_tensor& view) const {
  const bool same = static_cast<size_t>(view.ndim) == shape_.size() &&
                    std::equal(shape_.begin(), shape_.end(), view.shape) && view.dtype.bits == dtype_.bits &&
                    view.dtype.code == dtype_.code;
  if (!same) throw Error("'" + name_ + "' changed its shape or type after averaging began");
}

void AveragedTensor::follow_layout(const grapnel_tensor& view) {
  require_same_shape(view);
  if (std::equal(strides_.begin(), strides_.end(), view.strides)) return;
  const grapnel_tensor old = contiguous();
  const std::vector<uint64_t> values(static_cast<const uint64_t*>(old.data),
                                     static_cast<const uint64_t*>(old.data) + kept_.size());
  set_layout(view);
  if (is_dense_) {
    grapnel_tensor target = view;
    target.data = kept_.data();
    target.byte_offset = 0;
    scatter(values.data(), target);
  } else {
    kept_ = values;
  }
}

void AveragedTensor::update(const grapnel_tensor& view, double momentum) {
  follow_layout(view);
  const void* source = first_element(view);
  if (!is_dense_) {
    scratch_.resize(kept_.size());
    gather(view, scratch_.data());
    source = scratch_.data();
  }
  if (dtype_.bits == 32) {
    lerp(reinterpret_cast<float*>(kept_.data()), static_cast<const float*>(source), count_, momentum);
  } else {
    lerp(reinterpret_cast<double*>(kept_.data()), static_cast<const double*>(source), count_, momentum);
  }
}

void AveragedTensor::copy_from(const grapnel_tensor& view) {
  follow_layout(view);
  if (is_dense_) {
    std::memcpy(kept_.data(), first_element(view), count_ * element_size(dtype_));
  } else {
    gather(view, kept_.data());
  }
}

void AveragedTensor::swap_with(const grapnel_tensor& view) {
  follow_layout(view);
  const size_t bytes = count_ * element_size(dtype_);
  if (is_dense_) {
    auto* kept = reinterpret_cast<char*>(kept_.data());
    std::swap_ranges(kept, kept + bytes, first_element(view));
    return;
  }
  scratch_.resize(kept_.size());
  gather(view, scratch_.data());
  scatter(kept_.data(), view);
  kept_.swap(scratch_);
}

grapnel_tensor AveragedTensor::contiguous() {
  const grapnel_tensor row_major{nullptr, {GRAPNEL_DEVICE_CPU, 0}, static_cast<int32_t>(shape_.size()),
                                 dtype_,  shape_.data(),           row_major_.data(),
                                 0};
  grapnel_tensor result = row_major;
  result.data = kept_.data();
  if (is_dense_ && strides_ != row_major_) {
    grapnel_tensor kept = row_major;
    kept.data = kept_.data();
    kept.strides = strides_.data();
    scratch_.resize(kept_.size());
    gather(kept, scratch_.data());
    result.data = scratch_.data();
  }
  return result;
}

}  // namespace grapnel::ema
