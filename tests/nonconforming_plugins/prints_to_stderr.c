/* Prints to stderr instead of the log. */
#include <stdio.h>

#include "plain_hook.h"

PLAIN_POINT(before_train_epoch) {
  fprintf(stderr, "epoch %d begins\n", (int)args->epoch);
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_train_epoch = before_train_epoch};
PLAIN_PLUGIN("PrintsToStderr", vtable);
