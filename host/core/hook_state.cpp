// State streams. These functions are called by plugins, so they check what they get and let nothing escape.
#include "core/hook_state.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <limits>
#include <string>

namespace grapnel {
namespace {

template <class Body>
grapnel_status guarded(grapnel_error* error, Body&& body) noexcept {
  try {
    return body();
  } catch (const std::exception& e) {
    return report_status(error, GRAPNEL_STATUS_INTERNAL, e.what());
  }
}

// Bytes of one element; 0 for a dtype that no tensor can have.
uint64_t element_size(const grapnel_dtype& dtype) {
  const bool whole_bytes = dtype.bits != 0 && dtype.bits % 8 == 0;
  return whole_bytes && dtype.lanes == 1 ? dtype.bits / 8u : 0;
}

// Bytes of a contiguous tensor; false when a size is negative or the product does not fit.
bool contiguous_bytes(const int64_t* shape, size_t ndim, uint64_t element, uint64_t& bytes) {
  bytes = element;
  for (size_t i = 0; i < ndim; ++i) {
    if (shape[i] < 0) return false;
    const auto size = static_cast<uint64_t>(shape[i]);
    if (size != 0 && bytes > std::numeric_limits<int64_t>::max() / size) return false;
    bytes *= size;
  }
  return true;
}

void copy_strided(const char* from, const int64_t* shape, const int64_t* strides, int32_t ndim,
                  uint64_t element, uint8_t*& to) {
  if (ndim == 0) {
    std::memcpy(to, from, element);
    to += element;
    return;
  }
  if (ndim == 1 && strides[0] == 1) {
    const size_t bytes = static_cast<size_t>(shape[0]) * element;
    if (bytes > 0) std::memcpy(to, from, bytes);
    to += bytes;
    return;
  }
  for (int64_t i = 0; i < shape[0]; ++i) {
    const int64_t step = i * strides[0] * static_cast<int64_t>(element);
    copy_strided(from + step, shape + 1, strides + 1, ndim - 1, element, to);
  }
}

grapnel_status write_bytes(void* stream, const void* bytes, uint64_t size, grapnel_error* error) {
  auto& state = *static_cast<HookState*>(stream);
  if (bytes == nullptr && size > 0)
    return report_status(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "the bytes are null");
  return guarded(error, [&] {
    const auto* begin = static_cast<const uint8_t*>(bytes);
    state.bytes.insert(state.bytes.end(), begin, begin + size);
    return GRAPNEL_STATUS_OK;
  });
}

const HookState::Tensor* find(const HookState& state, const char* name) {
  const auto found = std::find_if(state.tensors.begin(), state.tensors.end(),
                                  [name](const HookState::Tensor& tensor) { return tensor.name == name; });
  return found == state.tensors.end() ? nullptr : &*found;
}

// Why the tensor cannot be stored; null if it can.
const char* tensor_problem(const grapnel_tensor& view, uint64_t& bytes) {
  const uint64_t element = element_size(view.dtype);
  if (element == 0) return "the tensor has an unknown dtype";
  if (view.device.type != GRAPNEL_DEVICE_CPU) return "the tensor is not on the CPU";
  if (view.ndim < 0 || view.ndim > 64) return "the tensor has an impossible number of dimensions";
  if (view.ndim > 0 && (view.shape == nullptr || view.strides == nullptr))
    return "the tensor has no shape or strides";
  if (!contiguous_bytes(view.shape, static_cast<size_t>(view.ndim), element, bytes))
    return "the tensor has an impossible shape";
  if (bytes > 0 && view.data == nullptr) return "the tensor has no data";
  return nullptr;
}

grapnel_status write_tensor(void* stream, const char* name, const grapnel_tensor* view,
                            grapnel_error* error) {
  auto& state = *static_cast<HookState*>(stream);
  if (name == nullptr || view == nullptr) {
    return report_status(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "the tensor or its name is null");
  }
  return guarded(error, [&] {
    uint64_t bytes = 0;
    const char* problem = tensor_problem(*view, bytes);
    if (problem == nullptr && find(state, name) != nullptr)
      problem = "a tensor of that name was written before";
    if (problem != nullptr) {
      return report_status(error, GRAPNEL_STATUS_INVALID_ARGUMENT,
                           (std::string(name) + ": " + problem).c_str());
    }
    HookState::Tensor tensor;
    tensor.name = name;
    tensor.dtype = view->dtype;
    tensor.shape.assign(view->shape, view->shape + view->ndim);
    tensor.bytes.resize(bytes);
    uint8_t* to = tensor.bytes.data();
    if (bytes > 0) {
      copy_strided(static_cast<const char*>(view->data) + view->byte_offset, view->shape, view->strides,
                   view->ndim, element_size(view->dtype), to);
    }
    state.tensors.push_back(std::move(tensor));
    return static_cast<grapnel_status>(GRAPNEL_STATUS_OK);
  });
}

}  // namespace

grapnel_status report_status(grapnel_error* error, grapnel_status status, const char* text) noexcept {
  if (error == nullptr) return status;
  error->code = status;
  if (error->text == nullptr || error->capacity == 0) return status;
  size_t size = std::strlen(text);
  if (size >= error->capacity) {
    size = static_cast<size_t>(error->capacity) - 1;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  }
  std::memcpy(error->text, text, size);
  error->text[size] = '\0';
  return status;
}

StateCollector::StateCollector(HookState& state)
    : table_{sizeof(grapnel_state_writer), 0, &state, &write_bytes, &write_tensor} {}

StateSource::StateSource(const HookState& state)
    : state_(state), table_{sizeof(grapnel_state_reader), 0,     this,
                            state.plugin_version.c_str(), &read, &find_tensor} {}

grapnel_status StateSource::read(void* stream, void* bytes, uint64_t capacity, uint64_t* got,
                                 grapnel_error* error) {
  auto& self = *static_cast<StateSource*>(stream);
  if (got == nullptr || (bytes == nullptr && capacity > 0)) {
    return report_status(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "the buffer is null");
  }
  const size_t left = self.state_.bytes.size() - self.position_;
  const size_t size = static_cast<size_t>(std::min<uint64_t>(left, capacity));
  if (size > 0) std::memcpy(bytes, self.state_.bytes.data() + self.position_, size);
  self.position_ += size;
  *got = size;
  return GRAPNEL_STATUS_OK;
}

grapnel_status StateSource::find_tensor(void* stream, const char* name, grapnel_tensor* view,
                                        grapnel_error* error) {
  auto& self = *static_cast<StateSource*>(stream);
  if (name == nullptr || view == nullptr) {
    return report_status(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "the tensor or its name is null");
  }
  return guarded(error, [&] {
    const HookState::Tensor* tensor = find(self.state_, name);
    if (tensor == nullptr) {
      const std::string text = std::string("the saved state has no tensor ") + name;
      return report_status(error, GRAPNEL_STATUS_NOT_FOUND, text.c_str());
    }
    uint64_t bytes = 0;
    const uint64_t element = element_size(tensor->dtype);
    if (element == 0 || !contiguous_bytes(tensor->shape.data(), tensor->shape.size(), element, bytes) ||
        bytes != tensor->bytes.size()) {
      const std::string text = std::string("the saved tensor ") + name + " is damaged: it has " +
                               std::to_string(tensor->bytes.size()) + " bytes, its shape needs " +
                               std::to_string(bytes);
      return report_status(error, GRAPNEL_STATUS_IO, text.c_str());
    }
    Layout layout{tensor->shape, std::vector<int64_t>(tensor->shape.size())};
    int64_t stride = 1;
    for (size_t i = layout.shape.size(); i-- > 0;) {
      layout.strides[i] = stride;
      stride *= std::max<int64_t>(layout.shape[i], 1);
    }
    Layout& kept = self.layouts_.emplace_back(std::move(layout));
    // The view's type has no const; load_state is told to read only.
    *view = grapnel_tensor{const_cast<uint8_t*>(tensor->bytes.data()),
                           {GRAPNEL_DEVICE_CPU, 0},
                           static_cast<int32_t>(kept.shape.size()),
                           tensor->dtype,
                           kept.shape.data(),
                           kept.strides.data(),
                           0};
    return static_cast<grapnel_status>(GRAPNEL_STATUS_OK);
  });
}

}  // namespace grapnel
