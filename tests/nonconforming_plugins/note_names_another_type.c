/* Its note names a hook that is not in the file. */
#include "plain_hook.h"

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 =
    PLAIN_DESCRIPTOR("NoteNamesAnotherType", vtable, plain_options, 1, "");
GRAPNEL_PLUGIN_NOTE("SomethingElse", "");
