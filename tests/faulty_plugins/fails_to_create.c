/* create returns a status and a reason. */
#include <stdio.h>

#include "plain_hook.h"

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  (void)host, (void)values, (void)count, (void)value_size, (void)self;
  snprintf(error->text, error->capacity, "the camera is not connected");
  return GRAPNEL_STATUS_FAILED;
}
PLAIN_VTABLE(create, 0);
PLAIN_PLUGIN("FailsToCreate");
GRAPNEL_PLUGIN_NOTE("FailsToCreate", "")
