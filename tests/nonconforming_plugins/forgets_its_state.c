/* Reads its state back to the end and forgets it. */
#include "plain_hook.h"

PLAIN_LOAD(load_state) {
  int64_t seen = 0;
  return plain_read(reader, &seen, sizeof seen, error);
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .save_state = plain_save_state,
                                           .load_state = load_state, .after_train_iter = plain_count};
PLAIN_PLUGIN("ForgetsItsState", vtable);
