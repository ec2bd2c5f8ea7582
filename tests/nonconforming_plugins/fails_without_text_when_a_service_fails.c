/* Fails because a service did, and keeps the service's message to itself. */
#include "plain_hook.h"

PLAIN_POINT(after_train_iter) {
  const grapnel_host* host = ((plain_hook*)self)->host;
  const grapnel_message_hub_service* hub =
      (const grapnel_message_hub_service*)host->get_service(host, GRAPNEL_SERVICE_MESSAGE_HUB);
  char text[256];
  grapnel_error own = {.struct_size = sizeof own, .code = 0, .text = text, .capacity = sizeof text};
  if (hub == NULL) return GRAPNEL_STATUS_OK;
  error->code = hub->update_scalar(host, "train/looks", 1.0, &own);
  return error->code;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = after_train_iter};
PLAIN_PLUGIN("FailsWithoutTextWhenAServiceFails", vtable);
