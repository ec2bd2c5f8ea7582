/* Says that it was built against LibTorch, and links none. */
#include "plain_hook.h"

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 =
    PLAIN_DESCRIPTOR("NamesTorchWithoutLinkingIt", vtable, plain_options, 1, "1.13.0");
GRAPNEL_PLUGIN_NOTE("NamesTorchWithoutLinkingIt", "1.13.0");
