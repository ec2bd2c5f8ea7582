/* Reads the values as an array of its own grapnel_value, not value_size bytes apart. */
#include "plain_hook.h"

typedef struct labelled {
  plain_hook plain;
  char label[32];
} labelled;

PLAIN_CREATE(create) {
  labelled* hook = (labelled*)calloc(1, sizeof *hook);
  if (hook == NULL) return plain_fail(error, GRAPNEL_STATUS_INTERNAL, "out of memory");
  hook->plain.host = host;
  hook->plain.interval = values[0].integer;
  strncpy(hook->label, values[1].text, sizeof hook->label - 1);
  *self = hook;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_option options[] = {
    PLAIN_OPTION(GRAPNEL_KIND_INT, "interval", "10", "train iterations between two looks", 1, INFINITY),
    PLAIN_OPTION(GRAPNEL_KIND_STRING, "label", "\"looks\"", "begins every line", -INFINITY, INFINITY)};

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = plain_destroy};
PLAIN_PLUGIN_WITH_OPTIONS("WalksValuesByOwnSize", vtable, options);
