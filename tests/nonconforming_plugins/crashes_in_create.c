/* Writes through a null pointer in create. */
#include "plain_hook.h"

static int* volatile nowhere = NULL;

PLAIN_CREATE(create) {
  *nowhere = 1;
  return plain_create(host, values, count, value_size, self, error);
}

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = plain_destroy};
PLAIN_PLUGIN("CrashesInCreate", vtable);
