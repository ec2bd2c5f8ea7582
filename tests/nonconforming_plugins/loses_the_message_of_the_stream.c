/* Says that saving failed, instead of what the stream said. */
#include "plain_hook.h"

PLAIN_SAVE(save_state) {
  char text[256];
  grapnel_error own = {.struct_size = sizeof own, .code = 0, .text = text, .capacity = sizeof text};
  const grapnel_status status = plain_save_state(self, writer, &own);
  return status == GRAPNEL_STATUS_OK ? status : plain_fail(error, status, "my state could not be saved");
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .save_state = save_state,
                                           .load_state = plain_load_state, .after_train_iter = plain_count};
PLAIN_PLUGIN("LosesTheMessageOfTheStream", vtable);
