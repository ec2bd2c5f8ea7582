#include "services/service_call.hpp"

namespace grapnel::services {

ServiceContext& context_for(const grapnel_host* host) {
  return static_cast<ServiceContext&>(plain_context_for(host));
}

runner::Runner& runner_for(const grapnel_host* host) {
  ServiceContext& context = context_for(host);
  if (context.runner == nullptr) throw Refusal(GRAPNEL_STATUS_UNSUPPORTED, "there is no run yet");
  return *context.runner;
}

runner::Mode data_mode(runner::Runner& runner, int32_t mode) {
  if (mode < GRAPNEL_MODE_TRAIN || mode > GRAPNEL_MODE_TEST) {
    throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT,
                  "mode is " + std::to_string(mode) + ", expected GRAPNEL_MODE_TRAIN, _VAL or _TEST");
  }
  const auto which = static_cast<runner::Mode>(mode);
  if (runner.dataset(which) == nullptr) {
    const char* const names[] = {"", "training", "validation", "test"};
    throw Refusal(GRAPNEL_STATUS_NOT_FOUND, std::string("this run has no ") + names[mode] + " data");
  }
  return which;
}

namespace {

grapnel_dtype dtype_of(torch::ScalarType type) {
  const auto make = [](uint8_t code, uint8_t bits) { return grapnel_dtype{code, bits, 1}; };
  switch (type) {
    case torch::kFloat64:
      return make(GRAPNEL_DTYPE_FLOAT, 64);
    case torch::kFloat32:
      return make(GRAPNEL_DTYPE_FLOAT, 32);
    case torch::kFloat16:
      return make(GRAPNEL_DTYPE_FLOAT, 16);
    case torch::kBFloat16:
      return make(GRAPNEL_DTYPE_BFLOAT, 16);
    case torch::kInt64:
      return make(GRAPNEL_DTYPE_INT, 64);
    case torch::kInt32:
      return make(GRAPNEL_DTYPE_INT, 32);
    case torch::kInt16:
      return make(GRAPNEL_DTYPE_INT, 16);
    case torch::kInt8:
      return make(GRAPNEL_DTYPE_INT, 8);
    case torch::kUInt8:
    case torch::kBool:
      return make(GRAPNEL_DTYPE_UINT, 8);
    default:
      throw Refusal(GRAPNEL_STATUS_UNSUPPORTED, std::string("no view of a tensor of ") + c10::toString(type));
  }
}

}  // namespace

grapnel_tensor view_of(const torch::Tensor& tensor) {
  grapnel_tensor view{};
  view.device.type = tensor.is_cuda() ? GRAPNEL_DEVICE_CUDA : GRAPNEL_DEVICE_CPU;
  view.device.id = tensor.is_cuda() ? tensor.get_device() : 0;
  view.ndim = static_cast<int32_t>(tensor.dim());
  view.dtype = dtype_of(tensor.scalar_type());
  // The C struct has no const, as DLPack's; readers must not write shapes.
  view.shape = const_cast<int64_t*>(tensor.sizes().data());
  view.strides = const_cast<int64_t*>(tensor.strides().data());
  view.data = tensor.data_ptr();
  return view;
}

}  // namespace grapnel::services
