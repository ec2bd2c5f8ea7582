/* Takes a truncated state with OK, but has thrown its buffer away: the next point crashes. */
#include "plain_hook.h"

typedef struct buffer_hook {
  plain_hook plain;
  int64_t* buffer;
} buffer_hook;

PLAIN_CREATE(create) {
  buffer_hook* hook = (buffer_hook*)calloc(1, sizeof *hook);
  if (hook == NULL || (hook->buffer = (int64_t*)calloc(1, sizeof *hook->buffer)) == NULL) {
    free(hook);
    return plain_fail(error, GRAPNEL_STATUS_INTERNAL, "out of memory");
  }
  *self = hook;
  return GRAPNEL_STATUS_OK;
}

static void destroy(void* self) {
  free(((buffer_hook*)self)->buffer);
  free(self);
}

PLAIN_POINT(after_train_iter) {
  ++*((buffer_hook*)self)->buffer;
  return GRAPNEL_STATUS_OK;
}

PLAIN_SAVE(save_state) {
  return writer->write(writer->stream, ((buffer_hook*)self)->buffer, sizeof(int64_t), error);
}

PLAIN_LOAD(load_state) {
  buffer_hook* hook = (buffer_hook*)self;
  int64_t seen = 0;
  uint64_t done = 0;
  const grapnel_status status = plain_read_some(reader, &seen, sizeof seen, &done, error);
  if (status != GRAPNEL_STATUS_OK) return status;
  if (done == sizeof seen) {
    *hook->buffer = seen;
  } else {
    free(hook->buffer);
    hook->buffer = NULL;
  }
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {.struct_size = sizeof(grapnel_hook_vtable),
                                           .create = create,
                                           .destroy = destroy,
                                           .save_state = save_state,
                                           .load_state = load_state,
                                           .after_train_iter = after_train_iter};
PLAIN_PLUGIN("IsBrokenByATruncatedState", vtable);
