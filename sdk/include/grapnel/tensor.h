/* A borrowed view of a tensor, laid out exactly as DLPack's DLTensor.
 *
 * The view, its shape and its strides are the host's and live until the callback returns; copy what you keep.
 * Writing is allowed only where the service that gave the view says so: a write bypasses autograd's version
 * counter. Shape and strides are never to be written. Numbers are in the machine's byte order: INT of 8, 16,
 * 32 or 64 bits, UINT of 8, FLOAT (IEEE 754) of 16, 32 or 64, BFLOAT of 16; bool tensors travel as UINT of 8.
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
  int32_t type; /* GRAPNEL_DEVICE_ */
  int32_t id;   /* the device's number; 0 on the CPU */
} grapnel_device;

typedef struct grapnel_dtype {
  uint8_t code; /* GRAPNEL_DTYPE_ */
  uint8_t bits; /* of one element */
  uint16_t lanes; /* 1 */
} grapnel_dtype;

typedef struct grapnel_tensor {
  void *data; /* device memory on CUDA; may be NULL when there are no elements */
  grapnel_device device;
  int32_t ndim; /* 0: one element */
  grapnel_dtype dtype;
  int64_t *shape;       /* ndim values, in elements */
  int64_t *strides;     /* ndim values, in elements; never NULL */
  uint64_t byte_offset; /* from data to the first element */
} grapnel_tensor;

#endif
