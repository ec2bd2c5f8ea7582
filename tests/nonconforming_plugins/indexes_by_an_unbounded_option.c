/* Takes any number as an index into a table of four: its option has no bounds. */
#include "plain_hook.h"

static volatile char rows[4][1 << 16];

PLAIN_CREATE(create) {
  const grapnel_status status = plain_create(host, values, count, value_size, self, error);
  if (status == GRAPNEL_STATUS_OK) rows[values->integer][0] = 1;
  return status;
}

static const grapnel_option options[] = {
    PLAIN_OPTION(GRAPNEL_KIND_INT, "row", "0", "the row to write to", -INFINITY, INFINITY)};

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = plain_destroy};
PLAIN_PLUGIN_WITH_OPTIONS("IndexesByAnUnboundedOption", vtable, options);
