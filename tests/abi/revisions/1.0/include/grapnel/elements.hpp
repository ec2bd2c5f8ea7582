// Walks over the numbers of a borrowed tensor view, whatever its strides, without LibTorch.
//
//   grapnel::for_each_element(entry.tensor, [&](auto& value) { sum += static_cast<double>(value); });
#pragma once

#include <cstdint>
#include <string>

#include "hook_services.hpp"

namespace grapnel {

inline int64_t element_count(const grapnel_tensor& view) {
  int64_t count = 1;
  for (int32_t d = 0; d < view.ndim; ++d) count *= view.shape[d];
  return count;
}

// True if the elements lie in row-major order without gaps.
inline bool is_contiguous(const grapnel_tensor& view) {
  int64_t stride = 1;
  for (int32_t d = view.ndim; d-- > 0;) {
    if (view.shape[d] != 1 && view.strides[d] != stride) return false;
    stride *= view.shape[d];
  }
  return true;
}

namespace detail {

template <class T, class Visit>
void walk(T* at, const grapnel_tensor& view, int32_t dimension, Visit& visit) {
  if (dimension == view.ndim) {
    visit(*at);
    return;
  }
  for (int64_t i = 0; i < view.shape[dimension]; ++i) {
    walk(at + i * view.strides[dimension], view, dimension + 1, visit);
  }
}

template <class T, class Visit>
void visit_all(const grapnel_tensor& view, Visit& visit) {
  T* first = reinterpret_cast<T*>(static_cast<char*>(view.data) + view.byte_offset);
  if (!is_contiguous(view)) {
    walk(first, view, 0, visit);
    return;
  }
  const int64_t count = element_count(view);
  for (int64_t i = 0; i < count; ++i) visit(first[i]);
}

}  // namespace detail

// Calls visit(value) with a reference to each element, in row-major order: float, double, int64_t, int32_t,
// int16_t, int8_t or uint8_t (which bool is too), as the view's dtype says. A view without data has no
// elements. Throws Error(UNSUPPORTED) for a tensor that is not on the CPU and for the 16-bit floats.
template <class Visit>
void for_each_element(const grapnel_tensor& view, Visit&& visit) {
  if (view.data == nullptr) return;
  if (view.device.type != GRAPNEL_DEVICE_CPU) {
    throw Error("the tensor is not on the CPU", GRAPNEL_STATUS_UNSUPPORTED);
  }
  switch (view.dtype.code * 100 + view.dtype.bits) {
    case GRAPNEL_DTYPE_FLOAT * 100 + 32: return detail::visit_all<float>(view, visit);
    case GRAPNEL_DTYPE_FLOAT * 100 + 64: return detail::visit_all<double>(view, visit);
    case GRAPNEL_DTYPE_INT * 100 + 64: return detail::visit_all<int64_t>(view, visit);
    case GRAPNEL_DTYPE_INT * 100 + 32: return detail::visit_all<int32_t>(view, visit);
    case GRAPNEL_DTYPE_INT * 100 + 16: return detail::visit_all<int16_t>(view, visit);
    case GRAPNEL_DTYPE_INT * 100 + 8: return detail::visit_all<int8_t>(view, visit);
    case GRAPNEL_DTYPE_UINT * 100 + 8: return detail::visit_all<uint8_t>(view, visit);
    default:
      throw Error("a tensor of dtype code " + std::to_string(view.dtype.code) + ", " +
                      std::to_string(view.dtype.bits) + " bits, which cannot be walked over",
                  GRAPNEL_STATUS_UNSUPPORTED);
  }
}

}  // namespace grapnel
