/* Reads on and on until its state is whole. */
#include "plain_hook.h"

PLAIN_LOAD(load_state) {
  int64_t seen = 0;
  for (uint64_t done = 0; done < sizeof seen;) {
    uint64_t got = 0;
    const grapnel_status status =
        reader->read(reader->stream, (char*)&seen + done, sizeof seen - done, &got, error);
    if (status != GRAPNEL_STATUS_OK) return status;
    done += got;
  }
  ((plain_hook*)self)->seen = seen;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .save_state = plain_save_state,
                                           .load_state = load_state, .after_train_iter = plain_count};
PLAIN_PLUGIN("WaitsForTheRestOfATruncatedState", vtable);
