/* Ignores SIGINT from the moment it is loaded: Ctrl-C is gone. */
#include <signal.h>

#include "plain_hook.h"

__attribute__((constructor)) static void at_load(void) { signal(SIGINT, SIG_IGN); }
static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("ChangesASignalHandlerAtLoad", vtable);
