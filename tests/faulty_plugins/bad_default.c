/* The default of its option is outside the option's own range. */
#include "plain_hook.h"

static const grapnel_option options[] = {{sizeof(grapnel_option), GRAPNEL_KIND_INT, GRAPNEL_OPTION_DEFAULTED,
                                          0, "interval", "iterations between two looks", "0", 1, 1e300, 0, 0,
                                          0, 0}};
PLAIN_VTABLE(plain_create, 0);
GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {sizeof(grapnel_plugin),
                                                         GRAPNEL_ABI_MAJOR,
                                                         GRAPNEL_ABI_MINOR,
                                                         GRAPNEL_PRIORITY_NORMAL,
                                                         "BadDefault",
                                                         "1.0.0",
                                                         "",
                                                         "",
                                                         "for the tests",
                                                         "",
                                                         options,
                                                         1,
                                                         sizeof(grapnel_option),
                                                         &plain_vtable};
GRAPNEL_PLUGIN_NOTE("BadDefault", "")
