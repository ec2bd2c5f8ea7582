/* Gives every instance a slot and takes none back. */
#include "plain_hook.h"

static plain_hook slots[128];
static int next = 0;

PLAIN_CREATE(create) {
  if (next == 128) abort();
  slots[next].host = host;
  *self = &slots[next++];
  return GRAPNEL_STATUS_OK;
}

static void destroy(void* self) { (void)self; }

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = destroy};
PLAIN_PLUGIN("RunsOutOfSlots", vtable);
