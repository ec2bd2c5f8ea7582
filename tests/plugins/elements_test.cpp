// grapnel/elements.hpp: a walk over borrowed views of any strides and dtype.
#include <gtest/gtest.h>

#include <grapnel/elements.hpp>

#include "conformance/plain_tensor.hpp"

using grapnel::conformance::PlainTensor;

namespace {

std::vector<double> walked(PlainTensor& tensor) {
  std::vector<double> values;
  grapnel::for_each_element(tensor.view(),
                            [&](const auto& value) { values.push_back(static_cast<double>(value)); });
  return values;
}

TEST(Elements, AreVisitedInRowMajorOrderWhateverTheStrides) {
  PlainTensor dense = PlainTensor::floats({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {2, 3, 2});
  PlainTensor strided = dense.column_major(5);
  EXPECT_TRUE(grapnel::is_contiguous(dense.view()));
  EXPECT_FALSE(grapnel::is_contiguous(strided.view()));
  EXPECT_EQ(walked(strided), walked(dense));
  EXPECT_EQ(grapnel::element_count(strided.view()), 12);
}

TEST(Elements, CanBeWrittenThroughAStridedView) {
  PlainTensor tensor = PlainTensor::floats({1, 2, 3, 4}, {2, 2}).column_major(1);
  grapnel::for_each_element(tensor.view(),
                            [](auto& value) { value += static_cast<std::decay_t<decltype(value)>>(10); });
  EXPECT_EQ(tensor.values(), (std::vector<double>{11, 12, 13, 14}));
}

TEST(Elements, AreReadInTheirOwnType) {
  PlainTensor numbers = PlainTensor::integers({int64_t{1} << 60});
  int64_t seen = 0;
  grapnel::for_each_element(numbers.view(), [&](const auto& value) { seen = static_cast<int64_t>(value); });
  EXPECT_EQ(seen, int64_t{1} << 60);
  PlainTensor flags = PlainTensor::bytes({0, 1, 255});
  EXPECT_EQ(walked(flags), (std::vector<double>{0, 1, 255}));
  PlainTensor doubles = PlainTensor::doubles({0.1});
  EXPECT_EQ(walked(doubles), (std::vector<double>{0.1}));
}

TEST(Elements, OfAScalarAreOneOfAnEmptyTensorNoneAndOfAMissingGradientNone) {
  PlainTensor scalar = PlainTensor::scalar(4);
  EXPECT_EQ(walked(scalar), (std::vector<double>{4}));
  PlainTensor empty = PlainTensor::floats({}, {3, 0});
  EXPECT_TRUE(walked(empty).empty());
  scalar.is_missing = true;
  EXPECT_TRUE(walked(scalar).empty());
}

TEST(Elements, RefuseAnotherDeviceAndHalfPrecision) {
  PlainTensor tensor = PlainTensor::floats({1});
  grapnel_tensor view = tensor.view();
  view.device.type = GRAPNEL_DEVICE_CUDA;
  EXPECT_THROW(grapnel::for_each_element(view, [](auto&) {}), grapnel::Error);
  view = tensor.view();
  view.dtype = {GRAPNEL_DTYPE_BFLOAT, 16, 1};
  EXPECT_THROW(grapnel::for_each_element(view, [](auto&) {}), grapnel::Error);
}

}  // namespace
