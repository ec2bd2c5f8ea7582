/* Ends the process while it is loaded, as if all were well. */
#include "plain_hook.h"

__attribute__((constructor)) static void at_load(void) { exit(0); }
static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("EndsTheProcessAtLoad", vtable);
