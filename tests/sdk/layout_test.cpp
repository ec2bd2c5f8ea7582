// The frozen layout as a C++ compiler sees it, and the tensor view against DLPack's own header.
#include <dlpack/dlpack.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <type_traits>

#include "frozen_constants.h"
#include "frozen_offsets.h"

extern "C" int grapnel_layout_in_c(void);

namespace {

#define SAME_PLACE(field, dl_field)                                                       \
  static_assert(offsetof(grapnel_tensor, field) == offsetof(DLTensor, dl_field), #field); \
  static_assert(sizeof(grapnel_tensor::field) == sizeof(DLTensor::dl_field), #field)
SAME_PLACE(data, data);
SAME_PLACE(device, device);
SAME_PLACE(ndim, ndim);
SAME_PLACE(dtype, dtype);
SAME_PLACE(shape, shape);
SAME_PLACE(strides, strides);
SAME_PLACE(byte_offset, byte_offset);
static_assert(sizeof(grapnel_tensor) == sizeof(DLTensor));
static_assert(alignof(grapnel_tensor) == alignof(DLTensor));
static_assert(offsetof(grapnel_device, type) == offsetof(DLDevice, device_type));
static_assert(sizeof(grapnel_device::type) == sizeof(DLDevice::device_type));
static_assert(offsetof(grapnel_device, id) == offsetof(DLDevice, device_id));
static_assert(offsetof(grapnel_dtype, code) == offsetof(DLDataType, code));
static_assert(offsetof(grapnel_dtype, bits) == offsetof(DLDataType, bits));
static_assert(offsetof(grapnel_dtype, lanes) == offsetof(DLDataType, lanes));
static_assert(sizeof(grapnel_dtype) == sizeof(DLDataType));

TEST(Layout, TensorReadsAsDLTensor) {
  float value = 0;
  int64_t shape[2] = {3, 4}, strides[2] = {4, 1};
  const grapnel_tensor view = {
      &value, {GRAPNEL_DEVICE_CPU, 7}, 2, {GRAPNEL_DTYPE_FLOAT, 32, 1}, shape, strides, 96};
  DLTensor dl;
  std::memcpy(&dl, &view, sizeof dl);
  EXPECT_EQ(dl.data, &value);
  EXPECT_EQ(dl.device.device_type, kDLCPU);
  EXPECT_EQ(dl.device.device_id, 7);
  EXPECT_EQ(dl.ndim, 2);
  EXPECT_EQ(dl.dtype.code, kDLFloat);
  EXPECT_EQ(dl.dtype.bits, 32);
  EXPECT_EQ(dl.dtype.lanes, 1);
  EXPECT_EQ(dl.shape, shape);
  EXPECT_EQ(dl.strides, strides);
  EXPECT_EQ(dl.byte_offset, 96u);
}

TEST(Layout, CodesAreDLPacks) {
  EXPECT_EQ(int{GRAPNEL_DTYPE_INT}, int{kDLInt});
  EXPECT_EQ(int{GRAPNEL_DTYPE_UINT}, int{kDLUInt});
  EXPECT_EQ(int{GRAPNEL_DTYPE_FLOAT}, int{kDLFloat});
  EXPECT_EQ(int{GRAPNEL_DTYPE_BFLOAT}, int{kDLBfloat});
  EXPECT_EQ(int{GRAPNEL_DEVICE_CPU}, int{kDLCPU});
  EXPECT_EQ(int{GRAPNEL_DEVICE_CUDA}, int{kDLCUDA});
}

// What crosses the border is copied with memcpy and read by other languages.
TEST(Layout, StructsArePlainInCAndCpp) {
  EXPECT_TRUE(std::is_standard_layout_v<grapnel_hook_vtable> &&
              std::is_trivially_copyable_v<grapnel_hook_vtable>);
  EXPECT_TRUE(std::is_standard_layout_v<grapnel_plugin> && std::is_trivially_copyable_v<grapnel_plugin>);
  EXPECT_TRUE(std::is_standard_layout_v<grapnel_note> && std::is_trivially_copyable_v<grapnel_note>);
  EXPECT_EQ(grapnel_layout_in_c(), static_cast<int>(sizeof(grapnel_hook_vtable)));
  EXPECT_EQ(sizeof(grapnel_note), 20 + GRAPNEL_NOTE_DESCRIPTION_SIZE);
}

GRAPNEL_PLUGIN_NOTE("MyHook", "1.13.1")

// What the export macro puts into the file, byte for byte: hosts read it without this header.
TEST(Layout, TheNotesBytesAreFrozen) {
  std::string expected("\x08\0\0\0\x68\0\0\0\x01\0\0\0Grapnel\0\x01\0\0\0", 24);
  expected += std::string(1, static_cast<char>(GRAPNEL_ABI_MINOR)) + std::string(3, '\0');
  expected += "MyHook" + std::string(64 - 6, '\0') + "1.13.1" + std::string(32 - 6, '\0');
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(&grapnel_plugin_note), sizeof grapnel_plugin_note),
            expected);
}

// The vtable's slots follow each other in the order of the point numbers.
TEST(Layout, PointNumbersAreVtableSlots) {
  constexpr size_t first = offsetof(grapnel_hook_vtable, before_run);
  EXPECT_EQ(sizeof(grapnel_hook_vtable), first + GRAPNEL_POINT_COUNT * sizeof(void*));
  EXPECT_EQ(offsetof(grapnel_hook_vtable, after_train_iter),
            first + GRAPNEL_POINT_AFTER_TRAIN_ITER * sizeof(void*));
  EXPECT_EQ(offsetof(grapnel_hook_vtable, on_interrupt), first + GRAPNEL_POINT_ON_INTERRUPT * sizeof(void*));
}

}  // namespace
