/* Linked with -z execstack: loading it makes every stack of the process executable. */
#include "plain_hook.h"

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("ExecutableStack", vtable);
