/* How a call across the border says that it failed: a status, and a message in the caller's buffer.
 *
 * No heap crosses the border, so the caller supplies the room for the text. A function that returns
 * anything but GRAPNEL_STATUS_OK should have written one sentence: what, where, got, expected. Any other
 * value is a failure too: a later minor may add codes.
 */
#ifndef GRAPNEL_STATUS_H
#define GRAPNEL_STATUS_H

#include <stddef.h>
#include <stdint.h>

typedef int32_t grapnel_status;

enum {
  GRAPNEL_STATUS_OK = 0,
  GRAPNEL_STATUS_FAILED = 1,           /* the work itself failed: the message says how */
  GRAPNEL_STATUS_INVALID_ARGUMENT = 2, /* the caller passed something that cannot be right */
  GRAPNEL_STATUS_NOT_FOUND = 3,        /* no such name or index */
  GRAPNEL_STATUS_UNSUPPORTED = 4,      /* this host, task or point cannot do it */
  GRAPNEL_STATUS_IO = 5,               /* a file or the network failed */
  GRAPNEL_STATUS_INTERNAL = 6          /* a fault inside the callee: an unexpected exception */
};

/* Room for one message, the caller's own. The caller fills struct_size, text and capacity; the callee, when
 * it fails, writes code and a NUL-terminated UTF-8 text, cut to fit. `text` may be NULL when capacity is 0.
 * The host always gives a hook such room; a hook that wants no message may pass NULL to a service. */
typedef struct grapnel_error {
  uint32_t struct_size;
  grapnel_status code;
  char *text;
  uint64_t capacity; /* bytes, the NUL included */
} grapnel_error;

#endif
