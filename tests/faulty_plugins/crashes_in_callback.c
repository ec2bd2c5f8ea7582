/* Writes through a null pointer in before_run. */
#include "plain_hook.h"

static grapnel_status crash(void* self, const grapnel_point_args* args, grapnel_error* error) {
  volatile int* volatile nowhere = 0;
  (void)self, (void)args, (void)error;
  *nowhere = 1;
  return GRAPNEL_STATUS_OK;
}
PLAIN_VTABLE(plain_create, 0, 0, crash);
PLAIN_PLUGIN("CrashesInCallback");
GRAPNEL_PLUGIN_NOTE("CrashesInCallback", "")
