// A tensor in plain memory that the fake host hands out as the SDK's view.
#pragma once

#include <grapnel/tensor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace grapnel::testing {

class FakeTensor {
 public:
  FakeTensor() = default;
  // Row-major; an empty shape means one dimension of values.size().
  static FakeTensor floats(const std::vector<float>& values, std::vector<int64_t> shape = {});
  static FakeTensor doubles(const std::vector<double>& values, std::vector<int64_t> shape = {});
  static FakeTensor integers(const std::vector<int64_t>& values, std::vector<int64_t> shape = {});
  static FakeTensor bytes(const std::vector<uint8_t>& values, std::vector<int64_t> shape = {});
  static FakeTensor scalar(float value);  // 0-d
  // A copy of what the view shows, dense.
  static FakeTensor copy_of(const grapnel_tensor& view);

  // The same logical values with the first dimension moving fastest in memory, and `pad` unused elements in
  // front (reached by byte_offset): what a view of a channels-last or sliced tensor looks like.
  FakeTensor column_major(int64_t pad = 0) const;

  // Valid while this object stays where it is. `data` is NULL while is_missing is set.
  grapnel_tensor view();
  // In logical, row-major order, as double.
  std::vector<double> values() const;
  void set(size_t logical_index, double value);
  size_t size() const;
  const std::vector<int64_t>& shape() const { return shape_; }
  grapnel_dtype dtype() const { return dtype_; }

  bool is_missing = false;  // a gradient that isn't there

 private:
  template <class T>
  static FakeTensor dense(const std::vector<T>& values, std::vector<int64_t> shape, uint8_t code);
  int64_t element_offset(size_t logical_index) const;

  grapnel_dtype dtype_{GRAPNEL_DTYPE_FLOAT, 32, 1};
  std::vector<int64_t> shape_;
  std::vector<int64_t> strides_;
  std::vector<uint8_t> storage_;
  uint64_t byte_offset_ = 0;
};

}  // namespace grapnel::testing
