/* Lets an exception out of a callback. */
#include <stdexcept>

#include "plain_hook.h"

PLAIN_POINT(before_train) { throw std::runtime_error("no budget left"); }
static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_train = before_train};
PLAIN_PLUGIN("ThrowsInCallback", vtable);
