// A tensor in plain memory that the in-memory host hands out as the SDK's view.
#pragma once

#include <grapnel/tensor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace grapnel::conformance {

class PlainTensor {
 public:
  PlainTensor() = default;
  // Row-major; an empty shape means one dimension of values.size().
  static PlainTensor floats(const std::vector<float>& values, std::vector<int64_t> shape = {});
  static PlainTensor doubles(const std::vector<double>& values, std::vector<int64_t> shape = {});
  static PlainTensor integers(const std::vector<int64_t>& values, std::vector<int64_t> shape = {});
  static PlainTensor bytes(const std::vector<uint8_t>& values, std::vector<int64_t> shape = {});
  static PlainTensor scalar(float value);  // 0-d
  // Any dtype, the 16-bit floats too; zeros. values() and set() know float, double, int, uint8 only.
  static PlainTensor zeros(grapnel_dtype dtype, std::vector<int64_t> shape);
  // A copy of what the view shows, dense.
  static PlainTensor copy_of(const grapnel_tensor& view);

  // The same logical values with the first dimension moving fastest in memory, and `pad` unused elements in
  // front (reached by byte_offset): what a view of a channels-last or sliced tensor looks like.
  PlainTensor column_major(int64_t pad = 0) const;

  // Valid while this object stays where it is. `data` is NULL while is_missing is set.
  grapnel_tensor view();
  // In logical, row-major order, as double.
  std::vector<double> values() const;
  void set(size_t logical_index, double value);
  size_t size() const;
  const std::vector<int64_t>& shape() const { return shape_; }
  grapnel_dtype dtype() const { return dtype_; }
  // All bytes, the unused ones too; what a view's data points to.
  const std::vector<uint8_t>& storage() const { return storage_; }
  void take_storage(const void* bytes);
  uint64_t hash() const;  // FNV-1a of dtype, shape and storage

  bool is_missing = false;  // a gradient that isn't there

 private:
  template <class T>
  static PlainTensor dense(const std::vector<T>& values, std::vector<int64_t> shape, uint8_t code);
  int64_t element_offset(size_t logical_index) const;

  grapnel_dtype dtype_{GRAPNEL_DTYPE_FLOAT, 32, 1};
  std::vector<int64_t> shape_;
  std::vector<int64_t> strides_;
  std::vector<uint8_t> storage_;
  uint64_t byte_offset_ = 0;
};

}  // namespace grapnel::conformance
