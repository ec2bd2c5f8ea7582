/* Writes through a null pointer while it is loaded. */
#include "plain_hook.h"

static int* volatile nowhere = NULL;

__attribute__((constructor)) static void at_load(void) { *nowhere = 1; }

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("CrashesAtLoad", vtable);
