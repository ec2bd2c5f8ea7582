/* Not a defect: a vtable shorter (SHORTER) or longer than the host's. The shorter one ends after
 * before_run; what follows in memory would fail if the host looked at it. */
#include <stddef.h>
#include <stdio.h>

#include "plain_hook.h"

static grapnel_status succeed(void* self, const grapnel_point_args* args, grapnel_error* error) {
  (void)self, (void)args, (void)error;
  return GRAPNEL_STATUS_OK;
}
static grapnel_status refuse(void* self, const grapnel_point_args* args, grapnel_error* error) {
  (void)self, (void)args;
  snprintf(error->text, error->capacity, "the host called a slot that it must not know");
  return GRAPNEL_STATUS_FAILED;
}

#ifdef SHORTER
static const grapnel_hook_vtable plain_vtable = {
    offsetof(grapnel_hook_vtable, after_run), 0, plain_create, plain_destroy, 0, 0, succeed, refuse, refuse};
PLAIN_PLUGIN("ShorterVtable");
GRAPNEL_PLUGIN_NOTE("ShorterVtable", "")
#else
static const struct {
  grapnel_hook_vtable known;
  grapnel_point_fn newer[5];
} longer = {{sizeof(grapnel_hook_vtable) + 5 * sizeof(grapnel_point_fn), 0, plain_create, plain_destroy, 0, 0,
             succeed},
            {refuse, refuse, refuse, refuse, refuse}};
#define plain_vtable longer.known
PLAIN_PLUGIN("LongerVtable");
GRAPNEL_PLUGIN_NOTE("LongerVtable", "")
#endif
