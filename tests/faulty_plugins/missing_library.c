/* Needs a library that is in no folder the dynamic linker looks into. */
#include "plain_hook.h"

int gone(void);

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  (void)gone();
  return plain_create(host, values, count, value_size, self, error);
}
PLAIN_VTABLE(create, 0);
PLAIN_PLUGIN("MissingLibrary");
GRAPNEL_PLUGIN_NOTE("MissingLibrary", "")
