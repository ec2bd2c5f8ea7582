/* Never comes back from being loaded. */
#include <unistd.h>

#include "plain_hook.h"

__attribute__((constructor)) static void at_load(void) {
  for (;;) pause();
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("HangsAtLoad", vtable);
