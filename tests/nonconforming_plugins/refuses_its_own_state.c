/* Looks for a mark in its state that it never writes. */
#include "plain_hook.h"

PLAIN_LOAD(load_state) {
  int64_t seen = 0;
  const grapnel_status status = plain_read(reader, &seen, sizeof seen, error);
  if (status != GRAPNEL_STATUS_OK) return status;
  return plain_fail(error, GRAPNEL_STATUS_FAILED, "this is not my state");
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .save_state = plain_save_state,
                                           .load_state = load_state, .after_train_iter = plain_count};
PLAIN_PLUGIN("RefusesItsOwnState", vtable);
