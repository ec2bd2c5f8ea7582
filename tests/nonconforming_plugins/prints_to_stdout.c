/* Prints to stdout instead of the log. */
#include <stdio.h>

#include "plain_hook.h"

PLAIN_POINT(before_run) {
  puts("the run begins");
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_run = before_run};
PLAIN_PLUGIN("PrintsToStdout", vtable);
