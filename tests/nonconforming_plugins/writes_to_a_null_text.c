/* Writes a text although the caller gave it no room at all. */
#include "plain_hook.h"

PLAIN_POINT(before_train) {
  error->code = GRAPNEL_STATUS_FAILED;
  error->text[0] = '?';
  if (error->capacity > 1) error->text[1] = '\0';
  return GRAPNEL_STATUS_FAILED;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_train = before_train};
PLAIN_PLUGIN("WritesToANullText", vtable);
