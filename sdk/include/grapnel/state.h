/* Where a hook writes what it must remember over a resume, and reads it back.
 *
 * Small things go through the byte stream, large ones (averaged weights) as named tensors. Both are kept in
 * the checkpoint under the instance's key, together with the plugin's version.
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

  /* Appends `size` bytes. [train-thread, save_state] */
  grapnel_status (*write)(void *stream, const void *bytes, uint64_t size, grapnel_error *error);
  /* Stores a copy of a dense CPU tensor under `name`, unique within the instance. [train-thread, save_state] */
  grapnel_status (*write_tensor)(void *stream, const char *name, const grapnel_tensor *tensor,
                                 grapnel_error *error);
} grapnel_state_writer;

typedef struct grapnel_state_reader {
  uint32_t struct_size;
  uint32_t reserved;
  void *stream;
  const char *plugin_version; /* of the plugin that wrote the state */

  /* Reads up to `capacity` bytes; *got may be smaller than asked for, 0 is the end.
   * [train-thread, load_state] */
  grapnel_status (*read)(void *stream, void *bytes, uint64_t capacity, uint64_t *got, grapnel_error *error);
  /* A contiguous view of the tensor, valid until load_state returns; NOT_FOUND: no such name.
   * [train-thread, load_state] */
  grapnel_status (*find_tensor)(void *stream, const char *name, grapnel_tensor *tensor, grapnel_error *error);
} grapnel_state_reader;

#endif
