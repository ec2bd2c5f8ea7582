/* Reads the args' message at a point that has none. */
#include "plain_hook.h"

PLAIN_POINT(before_val) {
  return args->message[0] != '!' ? GRAPNEL_STATUS_OK
                                 : plain_fail(error, GRAPNEL_STATUS_FAILED, "the message begins with a mark");
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_val = before_val};
PLAIN_PLUGIN("ReadsAMessageThatIsNotThere", vtable);
