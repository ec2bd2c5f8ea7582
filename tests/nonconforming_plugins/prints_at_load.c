/* Greets on stdout when it is loaded. */
#include <unistd.h>

#include "plain_hook.h"

__attribute__((constructor)) static void at_load(void) {
  if (write(STDOUT_FILENO, "welcome\n", 8) != 8) abort();
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("PrintsAtLoad", vtable);
