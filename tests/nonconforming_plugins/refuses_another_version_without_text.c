/* Refuses the state of another version and does not say why. */
#include "plain_hook.h"

PLAIN_LOAD(load_state) {
  if (strcmp(reader->plugin_version, "1.0.0") != 0) return GRAPNEL_STATUS_UNSUPPORTED;
  return plain_load_state(self, reader, error);
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .save_state = plain_save_state,
                                           .load_state = load_state, .after_train_iter = plain_count};
PLAIN_PLUGIN("RefusesAnotherVersionWithoutText", vtable);
