/* Lets an int out of a callback. */
#include "plain_hook.h"

PLAIN_POINT(before_train) { throw 42; }
static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_train = before_train};
PLAIN_PLUGIN("ThrowsNoStdException", vtable);
