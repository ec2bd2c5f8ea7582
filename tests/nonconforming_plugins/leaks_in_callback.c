/* Forgets a kilobyte at every train iteration. */
#include "plain_hook.h"

static void* volatile forgotten;

PLAIN_POINT(after_train_iter) {
  forgotten = malloc(1024);
  return forgotten ? GRAPNEL_STATUS_OK : plain_fail(error, GRAPNEL_STATUS_INTERNAL, "out of memory");
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = after_train_iter};
PLAIN_PLUGIN("LeaksInCallback", vtable);
