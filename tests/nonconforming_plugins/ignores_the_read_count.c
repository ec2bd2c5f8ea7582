/* Reads its state with one call and does not look at how much came. */
#include "plain_hook.h"

/* The complement: no byte of a small count is 0, so what is left unread shows. */
PLAIN_SAVE(save_state) {
  const int64_t kept = ~((const plain_hook*)self)->seen;
  return writer->write(writer->stream, &kept, sizeof kept, error);
}

PLAIN_LOAD(load_state) {
  int64_t kept = 0;
  uint64_t got = 0;
  const grapnel_status status = reader->read(reader->stream, &kept, sizeof kept, &got, error);
  if (status == GRAPNEL_STATUS_OK) ((plain_hook*)self)->seen = ~kept;
  return status;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .save_state = save_state, .load_state = load_state,
                                           .after_train_iter = plain_count};
PLAIN_PLUGIN("IgnoresTheReadCount", vtable);
