/* Exports its descriptor but has no ELF note. */
#include "plain_hook.h"

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 =
    PLAIN_DESCRIPTOR("WithoutANote", vtable, plain_options, 1, "");
