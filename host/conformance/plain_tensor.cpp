#include "conformance/plain_tensor.hpp"

#include <cstring>
#include <stdexcept>

namespace grapnel::conformance {

namespace {

std::vector<int64_t> row_major_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = stride;
    stride *= shape[d];
  }
  return strides;
}

size_t product(const std::vector<int64_t>& shape) {
  size_t size = 1;
  for (const int64_t side : shape) size *= static_cast<size_t>(side);
  return size;
}

// Calls `use` with a zero of the C++ type that the dtype stands for.
template <class Use>
auto with_type(grapnel_dtype dtype, Use use) {
  switch (dtype.code * 100 + dtype.bits) {
    case GRAPNEL_DTYPE_FLOAT * 100 + 32:
      return use(float{});
    case GRAPNEL_DTYPE_FLOAT * 100 + 64:
      return use(double{});
    case GRAPNEL_DTYPE_INT * 100 + 32:
      return use(int32_t{});
    case GRAPNEL_DTYPE_INT * 100 + 64:
      return use(int64_t{});
    case GRAPNEL_DTYPE_UINT * 100 + 8:
      return use(uint8_t{});
    default:
      throw std::logic_error("PlainTensor: unknown dtype");
  }
}

double load(const uint8_t* at, grapnel_dtype dtype) {
  return with_type(dtype, [at](auto value) {
    std::memcpy(&value, at, sizeof value);
    return static_cast<double>(value);
  });
}

void store(uint8_t* at, grapnel_dtype dtype, double value) {
  with_type(dtype, [at, value](auto converted) {
    converted = static_cast<decltype(converted)>(value);
    std::memcpy(at, &converted, sizeof converted);
  });
}

}  // namespace

template <class T>
PlainTensor PlainTensor::dense(const std::vector<T>& values, std::vector<int64_t> shape, uint8_t code) {
  PlainTensor tensor;
  tensor.dtype_ = {code, static_cast<uint8_t>(8 * sizeof(T)), 1};
  tensor.shape_ =
      shape.empty() ? std::vector<int64_t>{static_cast<int64_t>(values.size())} : std::move(shape);
  if (product(tensor.shape_) != values.size()) throw std::logic_error("PlainTensor: shape and values differ");
  tensor.strides_ = row_major_strides(tensor.shape_);
  tensor.storage_.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(tensor.storage_.data(), values.data(), tensor.storage_.size());
  return tensor;
}

PlainTensor PlainTensor::floats(const std::vector<float>& values, std::vector<int64_t> shape) {
  return dense(values, std::move(shape), GRAPNEL_DTYPE_FLOAT);
}
PlainTensor PlainTensor::doubles(const std::vector<double>& values, std::vector<int64_t> shape) {
  return dense(values, std::move(shape), GRAPNEL_DTYPE_FLOAT);
}
PlainTensor PlainTensor::integers(const std::vector<int64_t>& values, std::vector<int64_t> shape) {
  return dense(values, std::move(shape), GRAPNEL_DTYPE_INT);
}
PlainTensor PlainTensor::bytes(const std::vector<uint8_t>& values, std::vector<int64_t> shape) {
  return dense(values, std::move(shape), GRAPNEL_DTYPE_UINT);
}
PlainTensor PlainTensor::scalar(float value) {
  PlainTensor tensor = floats({value});
  tensor.shape_.clear();
  tensor.strides_.clear();
  return tensor;
}

PlainTensor PlainTensor::zeros(grapnel_dtype dtype, std::vector<int64_t> shape) {
  PlainTensor tensor;
  tensor.dtype_ = dtype;
  tensor.shape_ = std::move(shape);
  tensor.strides_ = row_major_strides(tensor.shape_);
  tensor.storage_.resize(product(tensor.shape_) * dtype.bits / 8u);
  return tensor;
}

void PlainTensor::take_storage(const void* bytes) {
  if (!storage_.empty()) std::memcpy(storage_.data(), bytes, storage_.size());
}

uint64_t PlainTensor::hash() const {
  uint64_t hash = 14695981039346656037u;
  const auto mix = [&hash](const void* bytes, size_t size) {
    for (size_t i = 0; i < size; ++i) hash = (hash ^ static_cast<const uint8_t*>(bytes)[i]) * 1099511628211u;
  };
  mix(&dtype_, sizeof dtype_);
  mix(shape_.data(), shape_.size() * sizeof(int64_t));
  mix(storage_.data(), storage_.size());
  return hash;
}

PlainTensor PlainTensor::copy_of(const grapnel_tensor& view) {
  PlainTensor copy;
  copy.dtype_ = view.dtype;
  copy.shape_.assign(view.shape, view.shape + view.ndim);
  copy.strides_.assign(view.strides, view.strides + view.ndim);
  const size_t element = view.dtype.bits / 8u;
  const size_t count = product(copy.shape_);
  std::vector<uint8_t> packed(count * element);
  for (size_t i = 0; i < count; ++i) {
    const auto* source = static_cast<const uint8_t*>(view.data) + view.byte_offset;
    std::memcpy(packed.data() + i * element, source + copy.element_offset(i) * static_cast<int64_t>(element),
                element);
  }
  copy.storage_ = std::move(packed);
  copy.strides_ = row_major_strides(copy.shape_);
  return copy;
}

PlainTensor PlainTensor::column_major(int64_t pad) const {
  PlainTensor result = *this;
  int64_t stride = 1;
  for (size_t d = 0; d < shape_.size(); ++d) {
    result.strides_[d] = stride;
    stride *= shape_[d];
  }
  const size_t element = dtype_.bits / 8u;
  result.byte_offset_ = static_cast<uint64_t>(pad) * element;
  result.storage_.assign(result.byte_offset_ + size() * element, 0xAB);
  for (size_t i = 0; i < size(); ++i) {
    std::memcpy(result.storage_.data() + result.byte_offset_ +
                    static_cast<size_t>(result.element_offset(i)) * element,
                storage_.data() + byte_offset_ + static_cast<size_t>(element_offset(i)) * element, element);
  }
  return result;
}

grapnel_tensor PlainTensor::view() {
  // A 0-d tensor still has to show non-null shape and strides.
  static int64_t nothing = 0;
  return {is_missing ? nullptr : storage_.data(),
          {GRAPNEL_DEVICE_CPU, 0},
          static_cast<int32_t>(shape_.size()),
          dtype_,
          shape_.empty() ? &nothing : shape_.data(),
          strides_.empty() ? &nothing : strides_.data(),
          byte_offset_};
}

int64_t PlainTensor::element_offset(size_t logical_index) const {
  int64_t offset = 0;
  auto rest = static_cast<int64_t>(logical_index);
  for (size_t d = shape_.size(); d-- > 0;) {
    offset += rest % shape_[d] * strides_[d];
    rest /= shape_[d];
  }
  return offset;
}

size_t PlainTensor::size() const { return product(shape_); }

std::vector<double> PlainTensor::values() const {
  std::vector<double> values(size());
  const size_t element = dtype_.bits / 8u;
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] =
        load(storage_.data() + byte_offset_ + static_cast<size_t>(element_offset(i)) * element, dtype_);
  }
  return values;
}

void PlainTensor::set(size_t logical_index, double value) {
  const size_t element = dtype_.bits / 8u;
  store(storage_.data() + byte_offset_ + static_cast<size_t>(element_offset(logical_index)) * element, dtype_,
        value);
}

}  // namespace grapnel::conformance
