/* Frees nothing in destroy. */
#include "plain_hook.h"

static void destroy(void* self) { (void)self; }
static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = plain_create, .destroy = destroy};
PLAIN_PLUGIN("LeaksItsInstance", vtable);
