// Single numbers of a tensor in host memory as Python objects, for item() and tolist().
#pragma once

#include <cmath>
#include <cstring>

#include <grapnel/elements.hpp>

#include "python_object.hpp"

namespace grapnel::python {

// "float32"; "float32x4" with lanes never occurs.
inline std::string dtype_name(const grapnel_dtype& dtype) {
  const char* kind = dtype.code == GRAPNEL_DTYPE_INT      ? "int"
                     : dtype.code == GRAPNEL_DTYPE_UINT   ? "uint"
                     : dtype.code == GRAPNEL_DTYPE_FLOAT  ? "float"
                     : dtype.code == GRAPNEL_DTYPE_BFLOAT ? "bfloat"
                                                          : "dtype";
  return kind + std::to_string(dtype.bits);
}

// IEEE 754 binary16: 1 sign bit, 5 of the exponent, 10 of the fraction.
inline double half_value(uint16_t bits) {
  const double sign = (bits & 0x8000u) != 0 ? -1.0 : 1.0;
  const int exponent = (bits >> 10) & 0x1F;
  const int fraction = bits & 0x3FF;
  if (exponent == 0x1F) return fraction != 0 ? std::nan("") : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

// bfloat16 is the upper half of a float32.
inline double bfloat_value(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value = 0;
  std::memcpy(&value, &wide, sizeof value);
  return static_cast<double>(value);
}

template <class T>
T element_as(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline Ref element_object(const char* at, const grapnel_dtype& dtype) {
  switch (dtype.code * 100 + dtype.bits) {
    case GRAPNEL_DTYPE_FLOAT * 100 + 32:
      return number_object(static_cast<double>(element_as<float>(at)));
    case GRAPNEL_DTYPE_FLOAT * 100 + 64:
      return number_object(element_as<double>(at));
    case GRAPNEL_DTYPE_FLOAT * 100 + 16:
      return number_object(half_value(element_as<uint16_t>(at)));
    case GRAPNEL_DTYPE_BFLOAT * 100 + 16:
      return number_object(bfloat_value(element_as<uint16_t>(at)));
    case GRAPNEL_DTYPE_INT * 100 + 64:
      return integer_object(element_as<int64_t>(at));
    case GRAPNEL_DTYPE_INT * 100 + 32:
      return integer_object(element_as<int32_t>(at));
    case GRAPNEL_DTYPE_INT * 100 + 16:
      return integer_object(element_as<int16_t>(at));
    case GRAPNEL_DTYPE_INT * 100 + 8:
      return integer_object(element_as<int8_t>(at));
    case GRAPNEL_DTYPE_UINT * 100 + 8:
      return integer_object(element_as<uint8_t>(at));
    default:
      throw Error("a tensor of dtype " + dtype_name(dtype) + " cannot be read number by number");
  }
}

// Nested lists over the view from dimension `dimension` on; the number itself when there is none left.
inline Ref nested_list(const grapnel_tensor& view, const char* at, int32_t dimension = 0) {
  if (dimension == view.ndim) return element_object(at, view.dtype);
  const int64_t step = view.strides[dimension] * (view.dtype.bits / 8);
  Ref list = Ref::take(PyList_New(0));
  for (int64_t i = 0; i < view.shape[dimension]; ++i)
    append(list, nested_list(view, at + i * step, dimension + 1));
  return list;
}

}  // namespace grapnel::python
