/* create fails and says nothing. */
#include "plain_hook.h"

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  (void)host, (void)values, (void)count, (void)value_size, (void)self, (void)error;
  return GRAPNEL_STATUS_UNSUPPORTED;
}
PLAIN_VTABLE(create, 0);
PLAIN_PLUGIN("FailsWithoutReason");
GRAPNEL_PLUGIN_NOTE("FailsWithoutReason", "")
