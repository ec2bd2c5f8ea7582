/* Keeps one instance for all: the second destroy finds it gone. */
#include "plain_hook.h"

static plain_hook* the_one = NULL;

PLAIN_CREATE(create) {
  const grapnel_status status = plain_create(host, values, count, value_size, self, error);
  the_one = (plain_hook*)*self;
  return status;
}

static void destroy(void* self) {
  if (the_one == NULL) abort();
  free(self);
  the_one = NULL;
}

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = destroy};
PLAIN_PLUGIN("SharesOneInstance", vtable);
