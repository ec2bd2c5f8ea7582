/* Linked against a library whose soname is that of Debian's LibTorch 1.13. */
#include "plain_hook.h"

int not_really_torch(void);

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  (void)not_really_torch();
  return plain_create(host, values, count, value_size, self, error);
}
PLAIN_VTABLE(create, 0);
PLAIN_PLUGIN("NeedsTorchSoname");
GRAPNEL_PLUGIN_NOTE("NeedsTorchSoname", "")
