/* Writes its whole sentence, however short the buffer is. */
#include "plain_hook.h"

PLAIN_POINT(before_train) {
  error->code = GRAPNEL_STATUS_FAILED;
  if (error->text != NULL) strcpy(error->text, "there is no budget left for a run as long as this one");
  return GRAPNEL_STATUS_FAILED;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_train = before_train};
PLAIN_PLUGIN("OverrunsTheErrorBuffer", vtable);
