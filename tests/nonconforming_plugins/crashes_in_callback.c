/* Writes through a null pointer after a train iteration. */
#include "plain_hook.h"

static int* volatile nowhere = NULL;

PLAIN_POINT(after_train_iter) {
  *nowhere = 1;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = after_train_iter};
PLAIN_PLUGIN("CrashesInCallback", vtable);
