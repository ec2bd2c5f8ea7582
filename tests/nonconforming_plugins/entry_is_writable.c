/* The entry object is no const data: anybody in the process can change it. */
#include "plain_hook.h"

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
GRAPNEL_EXPORT grapnel_plugin grapnel_plugin_v1 =
    PLAIN_DESCRIPTOR("EntryIsWritable", vtable, plain_options, 1, "");
GRAPNEL_PLUGIN_NOTE("EntryIsWritable", "");
