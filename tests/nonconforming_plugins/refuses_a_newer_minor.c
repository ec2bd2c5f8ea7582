/* Wants the ABI minor that it was built with, and no newer one. */
#include "plain_hook.h"

PLAIN_CREATE(create) {
  if (host->abi_minor != GRAPNEL_ABI_MINOR) {
    return plain_fail(error, GRAPNEL_STATUS_UNSUPPORTED, "this host is too new for me");
  }
  return plain_create(host, values, count, value_size, self, error);
}

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = plain_destroy};
PLAIN_PLUGIN("RefusesANewerMinor", vtable);
