/* A hook with an option of every kind, presence and limit. It does nothing. */
#include "../faulty_plugins/plain_hook.h"

#include <math.h>
#include <stddef.h>

static const char* const colours[] = {"red", "green", "blue"};

#define ROW(kind, presence, name, meaning, fallback, ...)                                               \
  {                                                                                                     \
    sizeof(grapnel_option), GRAPNEL_KIND_##kind, GRAPNEL_OPTION_##presence, 0, name, meaning, fallback, \
        __VA_ARGS__                                                                                     \
  }
#define ANY -INFINITY, INFINITY, NULL, 0, 0, 0

/* Then: min, max, choices, how many, least and most items. */
static const grapnel_option options[] = {
    ROW(BOOL, DEFAULTED, "flag", "a switch", "true", ANY),
    ROW(INT, REQUIRED, "count", "how many", NULL, 1, 10, NULL, 0, 0, 0),
    ROW(FLOAT, DEFAULTED, "share", "a part of one", "0.5", 0, 1, NULL, 0, 0, 0),
    ROW(FLOAT, OPTIONAL, "limit", "in seconds", NULL, 0, INFINITY, NULL, 0, 0, 0),
    ROW(STRING, DEFAULTED, "colour", "of the line", "\"red\"", -INFINITY, INFINITY, colours, 3, 0, 0),
    ROW(STRING, OPTIONAL, "label", "any text", NULL, ANY),
    ROW(BOOL_LIST, DEFAULTED, "flags", "switches", "[]", -INFINITY, INFINITY, NULL, 0, 0, 3),
    ROW(INT_LIST, DEFAULTED, "range", "lowest and highest", "[14, 26]", 1, 99, NULL, 0, 2, 2),
    ROW(FLOAT_LIST, DEFAULTED, "weights", "at least one", "[1]", 0, INFINITY, NULL, 0, 1, 0),
    ROW(STRING_LIST, DEFAULTED, "colours", "to use", "[\"red\", \"blue\"]", -INFINITY, INFINITY, colours, 3,
        1, 3),
    ROW(TREE, DEFAULTED, "rules", "anything", "{ a = [1] }", ANY),
};

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = plain_create, .destroy = plain_destroy};

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {sizeof(grapnel_plugin),
                                                         GRAPNEL_ABI_MAJOR,
                                                         GRAPNEL_ABI_MINOR,
                                                         GRAPNEL_PRIORITY_LOW,
                                                         "EveryOptionHook",
                                                         "2.1.0",
                                                         "",
                                                         "",
                                                         "shows every kind of option",
                                                         "",
                                                         options,
                                                         sizeof options / sizeof options[0],
                                                         sizeof options[0],
                                                         &vtable};
GRAPNEL_PLUGIN_NOTE("EveryOptionHook", "")
