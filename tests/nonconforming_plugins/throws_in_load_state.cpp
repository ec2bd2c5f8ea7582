/* Throws across the border when its state ends early. */
#include <stdexcept>

#include "plain_hook.h"

PLAIN_LOAD(load_state) {
  int64_t seen = 0;
  uint64_t done = 0;
  const grapnel_status status = plain_read_some(reader, &seen, sizeof seen, &done, error);
  if (status != GRAPNEL_STATUS_OK) return status;
  if (done < sizeof seen) throw std::runtime_error("the state ends early");
  static_cast<plain_hook*>(self)->seen = seen;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .save_state = plain_save_state,
                                           .load_state = load_state, .after_train_iter = plain_count};
PLAIN_PLUGIN("ThrowsInLoadState", vtable);
