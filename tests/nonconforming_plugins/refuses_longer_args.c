/* Wants a point's args to be exactly as long as in its own header. */
#include "plain_hook.h"

PLAIN_POINT(before_train_iter) {
  if (args->struct_size == sizeof *args) return GRAPNEL_STATUS_OK;
  return plain_fail(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "the args have an unknown size");
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_train_iter = before_train_iter};
PLAIN_PLUGIN("RefusesLongerArgs", vtable);
