/* Lets an exception out of destroy. */
#include <stdexcept>

#include "plain_hook.h"

static void destroy(void* self) {
  free(self);
  throw std::runtime_error("the last file could not be closed");
}

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = plain_create, .destroy = destroy};
PLAIN_PLUGIN("ThrowsInDestroy", vtable);
