#include "services/service_call.hpp"

#include <spdlog/spdlog.h>

#include <cstdio>

#include "core/failure.hpp"
#include "core/hook_host.hpp"

namespace grapnel::services {

ServiceContext& context_for(const grapnel_host* host) {
  if (host == nullptr) throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, "host is NULL");
  auto* context = static_cast<ServiceContext*>(context_of(host));
  if (context == nullptr) throw Refusal(GRAPNEL_STATUS_UNSUPPORTED, "this host serves no run");
  return *context;
}

runner::Runner& runner_for(const grapnel_host* host) {
  ServiceContext& context = context_for(host);
  if (context.runner == nullptr) throw Refusal(GRAPNEL_STATUS_UNSUPPORTED, "there is no run yet");
  return *context.runner;
}

const char* caller_of(const grapnel_host* host) noexcept {
  return host != nullptr && host->instance_key != nullptr ? host->instance_key : "a hook";
}

grapnel_status report(grapnel_error* error, grapnel_status status, const char* text) noexcept {
  if (error == nullptr || error->struct_size < sizeof(grapnel_error)) return status;
  error->code = status;
  if (error->text != nullptr && error->capacity > 0) {
    size_t size = std::min<size_t>(std::strlen(text), error->capacity - 1);
    // Not through the middle of a UTF-8 character.
    while (size > 0 && text[size] != '\0' && (text[size] & 0xC0) == 0x80) --size;
    std::memcpy(error->text, text, size);
    error->text[size] = '\0';
  }
  return status;
}

grapnel_status report_current_exception(grapnel_error* error) noexcept {
  try {
    throw;
  } catch (const Refusal& refusal) {
    return report(error, refusal.status(), refusal.what());
  } catch (const Failure& failure) {
    return report(error, GRAPNEL_STATUS_FAILED, failure.what());
  } catch (const std::invalid_argument& wrong) {
    return report(error, GRAPNEL_STATUS_INVALID_ARGUMENT, wrong.what());
  } catch (const std::out_of_range& missing) {
    return report(error, GRAPNEL_STATUS_NOT_FOUND, missing.what());
  } catch (const std::domain_error& impossible) {
    return report(error, GRAPNEL_STATUS_UNSUPPORTED, impossible.what());
  } catch (const c10::Error& torch_error) {
    return report(error, GRAPNEL_STATUS_INTERNAL, torch_error.what_without_backtrace());
  } catch (const std::exception& other) {
    return report(error, GRAPNEL_STATUS_INTERNAL, other.what());
  } catch (...) {
    return report(error, GRAPNEL_STATUS_INTERNAL, "an exception that is no std::exception");
  }
}

void log_current_exception(const grapnel_host* host, const char* function) noexcept {
  char text[512] = "";
  grapnel_error error{sizeof error, GRAPNEL_STATUS_OK, text, sizeof text};
  report_current_exception(&error);
  try {
    spdlog::error("[{}] {}: {}", caller_of(host), function, text);
  } catch (...) {
    std::fprintf(stderr, "%s: %s\n", function, text);
  }
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
