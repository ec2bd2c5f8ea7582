/* Its option has a name that the host keeps for itself: it could never be set. */
#include "plain_hook.h"

static const grapnel_option options[] = {
    PLAIN_OPTION(GRAPNEL_KIND_INT, "interval", "10", "train iterations between two looks", 1, INFINITY),
    PLAIN_OPTION(GRAPNEL_KIND_INT, "priority", "1", "how much it matters", 0, INFINITY)};

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN_WITH_OPTIONS("OptionNamedPriority", vtable, options);
