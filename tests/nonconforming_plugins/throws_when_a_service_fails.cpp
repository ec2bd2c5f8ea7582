/* Throws across the border when a service fails, and only then. */
#include <stdexcept>

#include "plain_hook.h"

PLAIN_POINT(after_train_iter) {
  const grapnel_host* host = static_cast<plain_hook*>(self)->host;
  const auto* hub =
      static_cast<const grapnel_message_hub_service*>(host->get_service(host, GRAPNEL_SERVICE_MESSAGE_HUB));
  if (hub != nullptr && hub->update_scalar(host, "train/looks", 1.0, error) != GRAPNEL_STATUS_OK) {
    throw std::runtime_error("the message hub fails");
  }
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = after_train_iter};
PLAIN_PLUGIN("ThrowsWhenAServiceFails", vtable);
