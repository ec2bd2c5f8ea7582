/* Needs a library that is in no folder the dynamic linker looks into. */
#include "plain_hook.h"

int in_an_absent_library(void);

PLAIN_POINT(before_run) {
  return in_an_absent_library() == 0 ? GRAPNEL_STATUS_OK
                                     : plain_fail(error, GRAPNEL_STATUS_FAILED, "the library says no");
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_run = before_run};
PLAIN_PLUGIN("NeedsAnAbsentLibrary", vtable);
