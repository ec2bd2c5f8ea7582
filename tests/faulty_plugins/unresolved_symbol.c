/* Calls a function that no library has. */
#include "plain_hook.h"

int a_function_nobody_has(void);

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  (void)a_function_nobody_has();
  return plain_create(host, values, count, value_size, self, error);
}
PLAIN_VTABLE(create, 0);
PLAIN_PLUGIN("UnresolvedSymbol");
GRAPNEL_PLUGIN_NOTE("UnresolvedSymbol", "")
