// Tensors as weights files describe them, before a byte of them is read: type, shape and where the bytes are.
// Every description that is handed out fits its record, so that reading it needs no further check. No
// LibTorch in here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "runner/weights_input.hpp"

namespace grapnel::runner {

enum class StoredDtype : uint8_t {
  kFloat64,
  kFloat32,
  kFloat16,
  kBFloat16,
  kInt64,
  kInt32,
  kInt16,
  kInt8,
  kUInt8,
  kBool,
  kComplex64,
  kComplex128,
};

struct StoredDtypeInfo {
  StoredDtype dtype;
  const char* name;          // as Python says it: "float32"
  const char* storage_type;  // torch.save's: "FloatStorage"
  const char* safetensors;   // "F32"; null when the format has none
  uint64_t bytes;            // an element
};

const StoredDtypeInfo& dtype_info(StoredDtype dtype);
const StoredDtypeInfo* find_storage_type(std::string_view name);       // "FloatStorage"; null when unknown
const StoredDtypeInfo* find_safetensors_dtype(std::string_view name);  // "F32"; null when unknown
const StoredDtypeInfo* find_dtype(std::string_view name);              // "float32"; null when unknown

struct StoredTensor {
  StoredDtype dtype = StoredDtype::kFloat32;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;  // elements
  uint64_t record = 0;           // which piece of the file holds its bytes
  uint64_t begin = 0;            // first element in the record, bytes
  uint64_t elements = 0;
  uint64_t reach =
      0;  // elements of the record from the first to the last one, the gaps between them included

  uint64_t bytes() const { return elements * dtype_info(dtype).bytes; }
  bool is_contiguous() const;
};

// Fills `elements` and `reach` of a tensor whose sizes and strides come from a file. False when they make no
// sense: a negative one, too many dimensions, a product beyond 2^58.
bool measure(StoredTensor& tensor);
// Makes the strides of a contiguous tensor for its sizes and fills in the rest. False as above.
bool make_contiguous(StoredTensor& tensor);

// A file with tensors in it.
class TensorSource {
 public:
  explicit TensorSource(const WeightsInput& input) : input_(input) {}
  virtual ~TensorSource() = default;
  TensorSource(const TensorSource&) = delete;
  TensorSource& operator=(const TensorSource&) = delete;

  // The elements in C order. `make_room` gives memory for tensor.bytes() of them; it is asked only after
  // WeightsInput::charge allowed so much. Failure(kConfig) for more than that, or when the file's check sum
  // is wrong.
  void read(const StoredTensor& tensor, const std::function<void*()>& make_room);

 protected:
  virtual void read_record(uint64_t record, uint64_t begin, void* out, uint64_t size) = 0;
  const WeightsInput& input_;
};

}  // namespace grapnel::runner
