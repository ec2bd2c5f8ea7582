/* Opens a file while it is loaded and keeps it. */
#include <fcntl.h>

#include "plain_hook.h"

__attribute__((constructor)) static void at_load(void) {
  if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) abort();
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("LeavesAFileOpenAtLoad", vtable);
