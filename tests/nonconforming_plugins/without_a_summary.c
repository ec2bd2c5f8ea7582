/* Does not say what it is for. */
#include "plain_hook.h"

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {sizeof(grapnel_plugin),
                                                         GRAPNEL_ABI_MAJOR,
                                                         GRAPNEL_ABI_MINOR,
                                                         GRAPNEL_PRIORITY_NORMAL,
                                                         "WithoutASummary",
                                                         "1.0.0",
                                                         "The tests",
                                                         "",
                                                         NULL,
                                                         "",
                                                         plain_options,
                                                         1,
                                                         sizeof(grapnel_option),
                                                         &vtable};
GRAPNEL_PLUGIN_NOTE("WithoutASummary", "");
