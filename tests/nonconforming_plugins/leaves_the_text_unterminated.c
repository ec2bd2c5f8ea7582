/* Fills a short buffer to its last byte and leaves no room for the NUL. */
#include "plain_hook.h"

PLAIN_POINT(before_train) {
  static const char text[] = "there is no budget left for a run as long as this one";
  error->code = GRAPNEL_STATUS_FAILED;
  if (error->text != NULL) {
    memcpy(error->text, text, sizeof text < error->capacity ? sizeof text : (size_t)error->capacity);
  }
  return GRAPNEL_STATUS_FAILED;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_train = before_train};
PLAIN_PLUGIN("LeavesTheTextUnterminated", vtable);
