/* Its vtable has no destroy. */
#include "plain_hook.h"

static const grapnel_hook_vtable vtable = {.struct_size = sizeof(grapnel_hook_vtable),
                                           .create = plain_create};
PLAIN_PLUGIN("WithoutDestroy", vtable);
