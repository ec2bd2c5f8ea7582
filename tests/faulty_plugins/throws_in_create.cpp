// An exception leaves create, although none may.
#include <stdexcept>

#include "plain_hook.h"

static grapnel_status create(const grapnel_host*, const grapnel_value*, uint64_t, uint64_t, void**,
                             grapnel_error*) {
  throw std::runtime_error("thrown across the border");
}
PLAIN_VTABLE(create, nullptr);
PLAIN_PLUGIN("ThrowsInCreate");
GRAPNEL_PLUGIN_NOTE("ThrowsInCreate", "")
