/* Its vtable says that it ends before destroy. */
#include "plain_hook.h"

static const grapnel_hook_vtable vtable = {
    .struct_size = 16, .create = plain_create, .destroy = plain_destroy};
PLAIN_PLUGIN("VtableIsTooShort", vtable);
