/* Its option wants a value above 10 and below 1. */
#include "plain_hook.h"

static const grapnel_option options[] = {
    PLAIN_OPTION(GRAPNEL_KIND_INT, "interval", "5", "train iterations between two looks", 10, 1)};

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN_WITH_OPTIONS("BoundsReversed", vtable, options);
