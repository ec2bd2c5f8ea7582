/* Does not look at whether its state could be written. */
#include "plain_hook.h"

PLAIN_SAVE(save_state) {
  plain_save_state(self, writer, error);
  error->code = GRAPNEL_STATUS_OK;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .save_state = save_state,
                                           .load_state = plain_load_state, .after_train_iter = plain_count};
PLAIN_PLUGIN("IgnoresAFailingWrite", vtable);
