/* Opens a file in every run and never closes it. */
#include <fcntl.h>

#include "plain_hook.h"

PLAIN_POINT(before_run) {
  if (open("/dev/null", O_WRONLY | O_CLOEXEC) < 0) {
    return plain_fail(error, GRAPNEL_STATUS_IO, "cannot open /dev/null");
  }
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_run = before_run};
PLAIN_PLUGIN("LeaksAFileDescriptor", vtable);
