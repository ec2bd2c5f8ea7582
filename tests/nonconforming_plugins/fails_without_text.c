/* Fails and does not say why. */
#include "plain_hook.h"

PLAIN_POINT(before_train) { return GRAPNEL_STATUS_FAILED; }
static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_train = before_train};
PLAIN_PLUGIN("FailsWithoutText", vtable);
