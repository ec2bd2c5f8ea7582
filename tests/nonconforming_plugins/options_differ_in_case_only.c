/* Two options differ in case only: a slip in the config sets the other one. */
#include "plain_hook.h"

static const grapnel_option options[] = {
    PLAIN_OPTION(GRAPNEL_KIND_INT, "interval", "10", "train iterations between two looks", 1, INFINITY),
    PLAIN_OPTION(GRAPNEL_KIND_INT, "Interval", "10", "epochs between two looks", 1, INFINITY)};

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN_WITH_OPTIONS("OptionsDifferInCaseOnly", vtable, options);
