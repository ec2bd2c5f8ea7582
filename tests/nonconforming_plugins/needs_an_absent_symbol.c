/* Calls a function that nobody has; linked without -z defs. */
#include "plain_hook.h"

int a_function_nobody_has(void);

PLAIN_POINT(before_run) {
  return a_function_nobody_has() == 0 ? GRAPNEL_STATUS_OK
                                      : plain_fail(error, GRAPNEL_STATUS_FAILED, "the function says no");
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_run = before_run};
PLAIN_PLUGIN("NeedsAnAbsentSymbol", vtable);
