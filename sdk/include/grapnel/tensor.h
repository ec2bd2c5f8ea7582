/* A borrowed view of a tensor, laid out exactly as DLPack's DLTensor.
 *
 * The view, its shape and its strides live until the callback returns. Writing is allowed only where the
 * service that gave the view says so: a write bypasses autograd's version counter.
 * bool tensors travel as uint8 (code GRAPNEL_DTYPE_UINT, 8 bits).
 */
#ifndef GRAPNEL_TENSOR_H
#define GRAPNEL_TENSOR_H

#include <stdint.h>

enum {
  GRAPNEL_DTYPE_INT = 0,
  GRAPNEL_DTYPE_UINT = 1,
  GRAPNEL_DTYPE_FLOAT = 2,
  GRAPNEL_DTYPE_BFLOAT = 4
};

enum { GRAPNEL_DEVICE_CPU = 1, GRAPNEL_DEVICE_CUDA = 2 };

typedef struct grapnel_device {
  int32_t type;
  int32_t id;
} grapnel_device;

typedef struct grapnel_dtype {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes; /* 1 */
} grapnel_dtype;

typedef struct grapnel_tensor {
  void *data;
  grapnel_device device;
  int32_t ndim;
  grapnel_dtype dtype;
  int64_t *shape;       /* ndim values, in elements */
  int64_t *strides;     /* ndim values, in elements; never NULL */
  uint64_t byte_offset; /* from data to the first element */
} grapnel_tensor;

#endif
