/* Lists one option twice. */
#include "plain_hook.h"

static const grapnel_option options[] = {
    PLAIN_OPTION(GRAPNEL_KIND_INT, "interval", "10", "train iterations between two looks", 1, INFINITY),
    PLAIN_OPTION(GRAPNEL_KIND_INT, "interval", "10", "train iterations between two looks", 1, INFINITY)};

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN_WITH_OPTIONS("OptionListedTwice", vtable, options);
