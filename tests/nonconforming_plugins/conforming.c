/* Breaks no rule: what the other files vary, with all its parts in use. */
#include "plain_hook.h"

PLAIN_POINT(slow_down) {
  plain_hook* hook = (plain_hook*)self;
  const grapnel_host* host = hook->host;
  const grapnel_optimizer_service* optimizer =
      (const grapnel_optimizer_service*)host->get_service(host, GRAPNEL_SERVICE_OPTIMIZER);
  grapnel_param_group group = {.struct_size = sizeof group};
  ++hook->seen;
  if (optimizer == NULL || (args->iter + 1) % hook->interval != 0) return GRAPNEL_STATUS_OK;
  if (optimizer->group_count(host) == 0) return GRAPNEL_STATUS_OK;
  const grapnel_status status = optimizer->get_group(host, 0, &group, error);
  return status != GRAPNEL_STATUS_OK ? status : optimizer->set_lr(host, 0, group.lr * 0.5, error);
}

static const grapnel_option options[] = {
    PLAIN_OPTION(GRAPNEL_KIND_INT, "interval", "1", "train iterations between two changes", 1, INFINITY)};
static const grapnel_hook_vtable vtable = {PLAIN_LIFE, PLAIN_STATE, .after_train_iter = slow_down};
PLAIN_PLUGIN_WITH_OPTIONS("Conforming", vtable, options);
