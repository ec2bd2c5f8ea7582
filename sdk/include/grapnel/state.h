/* Where a hook writes what it must remember over a resume, and reads it back.
 *
 * Small things go through the byte stream, large ones (averaged weights) as named tensors. Both are kept in
 * the checkpoint under the instance's key, together with the plugin's version. The stream has no structure of
 * its own and no byte order but the machine's: a hook that may change its layout writes a number for it
 * first. Both tables are the host's, valid until save_state or load_state returns; pass their `stream` to
 * them.
 */
#ifndef GRAPNEL_STATE_H
#define GRAPNEL_STATE_H

#include <stdint.h>

#include "status.h"
#include "tensor.h"

typedef struct grapnel_state_writer {
  uint32_t struct_size;
  uint32_t reserved;
  void *stream;

  /* Appends `size` bytes; they are copied. INVALID_ARGUMENT: NULL bytes. [train-thread, save_state] */
  grapnel_status (*write)(void *stream, const void *bytes, uint64_t size, grapnel_error *error);
  /* Stores a copy of a CPU tensor, of any strides, under `name`. INVALID_ARGUMENT: a name that was written
   * before, a tensor elsewhere or without data. [train-thread, save_state] */
  grapnel_status (*write_tensor)(void *stream, const char *name, const grapnel_tensor *tensor,
                                 grapnel_error *error);
} grapnel_state_writer;

typedef struct grapnel_state_reader {
  uint32_t struct_size;
  uint32_t reserved;
  void *stream;
  const char *plugin_version; /* of the plugin that wrote the state, never NULL */

  /* Reads up to `capacity` bytes; *got may be smaller than asked for, 0 is the end. A hook need not read to
   * the end. [train-thread, load_state] */
  grapnel_status (*read)(void *stream, void *bytes, uint64_t capacity, uint64_t *got, grapnel_error *error);
  /* A contiguous CPU view of the tensor, read-only, valid until load_state returns; NOT_FOUND: no such name;
   * IO: the stored tensor is damaged. [train-thread, load_state] */
  grapnel_status (*find_tensor)(void *stream, const char *name, grapnel_tensor *tensor, grapnel_error *error);
} grapnel_state_reader;

#endif
