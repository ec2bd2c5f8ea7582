/* Plugins of a newer SDK that this host cannot take, one a macro: FUTURE_TYPE names the type, the others say
 * what it asks for. */
#include "newer_sdk.h"

#ifndef FUTURE_NOTE_MAJOR
#define FUTURE_NOTE_MAJOR GRAPNEL_ABI_MAJOR
#endif
#ifndef FUTURE_NOTE_MINOR
#define FUTURE_NOTE_MINOR 0
#endif
#ifndef FUTURE_MAJOR
#define FUTURE_MAJOR GRAPNEL_ABI_MAJOR
#endif
#ifndef FUTURE_MINOR
#define FUTURE_MINOR 0
#endif
#ifndef FUTURE_KIND
#define FUTURE_KIND GRAPNEL_KIND_INT
#endif
#ifndef FUTURE_PRESENCE
#define FUTURE_PRESENCE GRAPNEL_OPTION_REQUIRED
#endif
#ifndef FUTURE_SYMBOL
#define FUTURE_SYMBOL grapnel_plugin_v1
#endif
#ifndef FUTURE_PLUGIN_SIZE
#define FUTURE_PLUGIN_SIZE sizeof(grapnel_plugin)
#endif

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = newer_create, .destroy = newer_destroy};
static const grapnel_option options[] = {{sizeof(grapnel_option), FUTURE_KIND, FUTURE_PRESENCE, 0, "begin",
                                          "first day of the run", 0, 0, 0, 0, 0, 0, 0}};

GRAPNEL_EXPORT const grapnel_plugin FUTURE_SYMBOL = {.struct_size = FUTURE_PLUGIN_SIZE,
                                                     .abi_major = FUTURE_MAJOR,
                                                     .abi_minor = FUTURE_MINOR,
                                                     .default_priority = GRAPNEL_PRIORITY_NORMAL,
                                                     .type = FUTURE_TYPE,
                                                     .version = "3.0.0",
                                                     .author = "",
                                                     .license = "",
                                                     .summary = "",
                                                     .torch_version = "",
                                                     .options = options,
                                                     .option_count = 1,
                                                     .option_size = sizeof(grapnel_option),
                                                     .vtable = &vtable};
NEWER_NOTE(FUTURE_NOTE_MAJOR, FUTURE_NOTE_MINOR, FUTURE_TYPE)
