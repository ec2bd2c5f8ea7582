/* Never comes back from after_run. */
#include <unistd.h>

#include "plain_hook.h"

PLAIN_POINT(after_run) {
  for (;;) pause();
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_run = after_run};
PLAIN_PLUGIN("HangsInCallback", vtable);
