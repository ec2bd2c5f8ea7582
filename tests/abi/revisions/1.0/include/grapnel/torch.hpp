// The optional LibTorch bridge: turns the SDK's borrowed views into at::Tensor without a copy.
//
// Include it before hook.hpp; the plugin's descriptor and note then name the LibTorch it was built against,
// and a host with another one refuses the file before any of its code runs.
#pragma once

#include <ATen/ATen.h>
#include <torch/version.h>

#include <stdexcept>
#include <string>

#include "tensor.h"

#define GRAPNEL_BUILT_AGAINST_TORCH TORCH_VERSION

namespace grapnel {

// A tensor over the view's memory: no copy, valid until the callback returns; clone() what you keep.
// Throws std::invalid_argument for a dtype or device that has no counterpart.
inline at::Tensor borrow_tensor(const grapnel_tensor& view) {
  const auto& dtype = view.dtype;
  const int code = dtype.code * 100 + dtype.bits;
  at::ScalarType type;
  switch (code) {
    case GRAPNEL_DTYPE_FLOAT * 100 + 64: type = at::kDouble; break;
    case GRAPNEL_DTYPE_FLOAT * 100 + 32: type = at::kFloat; break;
    case GRAPNEL_DTYPE_FLOAT * 100 + 16: type = at::kHalf; break;
    case GRAPNEL_DTYPE_BFLOAT * 100 + 16: type = at::kBFloat16; break;
    case GRAPNEL_DTYPE_INT * 100 + 64: type = at::kLong; break;
    case GRAPNEL_DTYPE_INT * 100 + 32: type = at::kInt; break;
    case GRAPNEL_DTYPE_INT * 100 + 16: type = at::kShort; break;
    case GRAPNEL_DTYPE_INT * 100 + 8: type = at::kChar; break;
    case GRAPNEL_DTYPE_UINT * 100 + 8: type = at::kByte; break;
    default: throw std::invalid_argument("no LibTorch dtype for code " + std::to_string(dtype.code) + ", " +
                                         std::to_string(dtype.bits) + " bits");
  }
  at::Device device(at::kCPU);
  if (view.device.type == GRAPNEL_DEVICE_CUDA) device = at::Device(at::kCUDA, static_cast<int8_t>(view.device.id));
  else if (view.device.type != GRAPNEL_DEVICE_CPU) throw std::invalid_argument("a tensor on an unknown device");
  return at::from_blob(static_cast<char*>(view.data) + view.byte_offset, at::IntArrayRef(view.shape, view.ndim),
                       at::IntArrayRef(view.strides, view.ndim), [](void*) {},
                       at::TensorOptions().dtype(type).device(device));
}

}  // namespace grapnel
