/* Starts anew, without a word, when its state cannot be read. */
#include "plain_hook.h"

PLAIN_LOAD(load_state) {
  int64_t seen = 0;
  uint64_t got = 1;
  for (uint64_t done = 0; done < sizeof seen; done += got) {
    got = 0;
    if (reader->read(reader->stream, (char*)&seen + done, sizeof seen - done, &got, error) !=
        GRAPNEL_STATUS_OK) {
      error->code = GRAPNEL_STATUS_OK;
      return GRAPNEL_STATUS_OK;
    }
    if (got == 0) return plain_fail(error, GRAPNEL_STATUS_FAILED, "the saved state ends early");
  }
  ((plain_hook*)self)->seen = seen;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .save_state = plain_save_state,
                                           .load_state = load_state, .after_train_iter = plain_count};
PLAIN_PLUGIN("IgnoresAFailingRead", vtable);
