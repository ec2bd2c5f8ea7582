/* Takes it for granted that there is a message hub, already in create. */
#include "plain_hook.h"

PLAIN_CREATE(create) {
  const grapnel_message_hub_service* hub =
      (const grapnel_message_hub_service*)host->get_service(host, GRAPNEL_SERVICE_MESSAGE_HUB);
  if (hub->struct_size < sizeof *hub) {
    return plain_fail(error, GRAPNEL_STATUS_UNSUPPORTED, "the host's message hub is too old");
  }
  return plain_create(host, values, count, value_size, self, error);
}

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = plain_destroy};
PLAIN_PLUGIN("UsesAMissingServiceInCreate", vtable);
