// Exceptions leave the callbacks of a plugin that does not use the C++ layer.
#include <stdexcept>

#include "plain_hook.h"

static grapnel_status throw_text(void*, const grapnel_point_args*, grapnel_error*) {
  throw std::runtime_error("thrown across the border");
}
static grapnel_status throw_number(void*, const grapnel_point_args*, grapnel_error*) { throw 7; }

PLAIN_VTABLE(plain_create, nullptr, nullptr, &throw_text, &throw_number);
PLAIN_PLUGIN("ThrowsInCallback");
GRAPNEL_PLUGIN_NOTE("ThrowsInCallback", "")
