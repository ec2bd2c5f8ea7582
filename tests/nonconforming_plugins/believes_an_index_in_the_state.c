/* Takes an index from its state and uses it at the next point, whatever it says. */
#include "plain_hook.h"

static int64_t table[4];

PLAIN_POINT(after_train_iter) {
  plain_hook* hook = (plain_hook*)self;
  ++table[hook->seen];
  hook->seen = (hook->seen + 1) % 4;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .save_state = plain_save_state,
                                           .load_state = plain_load_state,
                                           .after_train_iter = after_train_iter};
PLAIN_PLUGIN("BelievesAnIndexInTheState", vtable);
