#include "runner/stored_tensor.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace grapnel::runner {
namespace {

constexpr std::array<StoredDtypeInfo, 12> kDtypes = {{
    {StoredDtype::kFloat64, "float64", "DoubleStorage", "F64", 8},
    {StoredDtype::kFloat32, "float32", "FloatStorage", "F32", 4},
    {StoredDtype::kFloat16, "float16", "HalfStorage", "F16", 2},
    {StoredDtype::kBFloat16, "bfloat16", "BFloat16Storage", "BF16", 2},
    {StoredDtype::kInt64, "int64", "LongStorage", "I64", 8},
    {StoredDtype::kInt32, "int32", "IntStorage", "I32", 4},
    {StoredDtype::kInt16, "int16", "ShortStorage", "I16", 2},
    {StoredDtype::kInt8, "int8", "CharStorage", "I8", 1},
    {StoredDtype::kUInt8, "uint8", "ByteStorage", "U8", 1},
    {StoredDtype::kBool, "bool", "BoolStorage", "BOOL", 1},
    {StoredDtype::kComplex64, "complex64", "ComplexFloatStorage", nullptr, 8},
    {StoredDtype::kComplex128, "complex128", "ComplexDoubleStorage", nullptr, 16},
}};

constexpr size_t kMostDimensions = 64;
__extension__ typedef __int128 Wide;  // no product of two int64_t overflows it
constexpr Wide kMostElements = Wide{1} << 58;

template <size_t kItem>
void gather_row(const char* from, int64_t count, int64_t stride, char* to) {
  const auto step = static_cast<std::ptrdiff_t>(stride) * static_cast<std::ptrdiff_t>(kItem);
  for (int64_t i = 0; i < count; ++i, from += step, to += kItem) std::memcpy(to, from, kItem);
}

void gather_row(uint64_t item, const char* from, int64_t count, int64_t stride, char* to) {
  if (stride == 1) {
    std::memcpy(to, from, static_cast<size_t>(count) * item);
    return;
  }
  switch (item) {
    case 1:
      return gather_row<1>(from, count, stride, to);
    case 2:
      return gather_row<2>(from, count, stride, to);
    case 4:
      return gather_row<4>(from, count, stride, to);
    case 8:
      return gather_row<8>(from, count, stride, to);
    default:
      return gather_row<16>(from, count, stride, to);
  }
}

// A tensor with at least one element and one dimension, out of the bytes from its first element on.
void gather(const StoredTensor& tensor, const char* from, char* to) {
  const uint64_t item = dtype_info(tensor.dtype).bytes;
  const size_t last = tensor.sizes.size() - 1;
  std::vector<int64_t> index(last, 0);
  const uint64_t row_bytes = static_cast<uint64_t>(tensor.sizes[last]) * item;
  while (true) {
    int64_t offset = 0;
    for (size_t d = 0; d < last; ++d) offset += index[d] * tensor.strides[d];
    gather_row(item, from + static_cast<uint64_t>(offset) * item, tensor.sizes[last], tensor.strides[last],
               to);
    to += row_bytes;
    size_t d = last;
    while (d > 0 && ++index[d - 1] == tensor.sizes[d - 1]) index[--d] = 0;
    if (d == 0) return;
  }
}

}  // namespace

const StoredDtypeInfo& dtype_info(StoredDtype dtype) { return kDtypes[static_cast<size_t>(dtype)]; }

const StoredDtypeInfo* find_storage_type(std::string_view name) {
  for (const StoredDtypeInfo& info : kDtypes) {
    if (name == info.storage_type) return &info;
  }
  return nullptr;
}

const StoredDtypeInfo* find_safetensors_dtype(std::string_view name) {
  for (const StoredDtypeInfo& info : kDtypes) {
    if (info.safetensors != nullptr && name == info.safetensors) return &info;
  }
  return nullptr;
}

const StoredDtypeInfo* find_dtype(std::string_view name) {
  for (const StoredDtypeInfo& info : kDtypes) {
    if (name == info.name) return &info;
  }
  return nullptr;
}

bool StoredTensor::is_contiguous() const {
  int64_t expected = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (sizes[i] == 1) continue;
    if (strides[i] != expected) return false;
    expected *= sizes[i];
  }
  return true;
}

bool measure(StoredTensor& tensor) {
  if (tensor.sizes.size() != tensor.strides.size() || tensor.sizes.size() > kMostDimensions) return false;
  Wide product = 1;  // with zeros as ones: whoever takes the sizes up multiplies them in some order
  Wide last = 0;
  bool empty = false;
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    const int64_t size = tensor.sizes[i], stride = tensor.strides[i];
    if (size < 0 || stride < 0) return false;
    empty = empty || size == 0;
    product *= std::max<int64_t>(size, 1);
    if (product > kMostElements) return false;
    last += static_cast<Wide>(std::max<int64_t>(size, 1) - 1) * stride;
    if (last > kMostElements) return false;
  }
  tensor.elements = empty ? 0 : static_cast<uint64_t>(product);
  tensor.reach = empty ? 0 : static_cast<uint64_t>(last) + 1;
  return true;
}

bool make_contiguous(StoredTensor& tensor) {
  tensor.strides.assign(tensor.sizes.size(), 0);
  if (!measure(tensor)) return false;
  int64_t elements = 1;
  for (size_t i = tensor.sizes.size(); i-- > 0;) {
    tensor.strides[i] = elements;
    elements *= std::max<int64_t>(tensor.sizes[i], 1);
  }
  tensor.reach = tensor.elements;
  return true;
}

void TensorSource::read(const StoredTensor& tensor, const std::function<void*()>& make_room) {
  const uint64_t bytes = tensor.bytes();
  const uint64_t span = tensor.reach * dtype_info(tensor.dtype).bytes;
  const bool contiguous = tensor.is_contiguous();
  input_.charge(contiguous ? bytes : std::max(bytes, span));
  void* out = make_room();
  if (bytes == 0) return;
  if (contiguous) {
    read_record(tensor.record, tensor.begin, out, bytes);
  } else {
    std::vector<char> from(span);
    read_record(tensor.record, tensor.begin, from.data(), span);
    gather(tensor, from.data(), static_cast<char*>(out));
  }
  if (tensor.dtype == StoredDtype::kBool) {  // any other byte than 0 and 1 would be no bool for the compiler
    auto* flags = static_cast<uint8_t*>(out);
    for (uint64_t i = 0; i < bytes; ++i) flags[i] = flags[i] != 0;
  }
}

}  // namespace grapnel::runner
