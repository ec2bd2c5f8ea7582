/* Returns OK with a code that says otherwise. */
#include "plain_hook.h"

PLAIN_POINT(before_train) {
  error->code = GRAPNEL_STATUS_NOT_FOUND;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_train = before_train};
PLAIN_PLUGIN("LeavesAnErrorCodeOnSuccess", vtable);
