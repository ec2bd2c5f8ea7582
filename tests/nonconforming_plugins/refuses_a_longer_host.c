/* Wants grapnel_host to be exactly as long as in its own header. */
#include "plain_hook.h"

PLAIN_CREATE(create) {
  if (host->struct_size != sizeof *host) {
    return plain_fail(error, GRAPNEL_STATUS_UNSUPPORTED, "this is not the host that I was built for");
  }
  return plain_create(host, values, count, value_size, self, error);
}

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = plain_destroy};
PLAIN_PLUGIN("RefusesALongerHost", vtable);
