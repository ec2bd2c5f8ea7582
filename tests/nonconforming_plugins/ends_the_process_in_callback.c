/* Ends the process when training is over, as if all were well. */
#include "plain_hook.h"

PLAIN_POINT(after_train) { exit(0); }
static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train = after_train};
PLAIN_PLUGIN("EndsTheProcessInCallback", vtable);
