/* Draws its learning rate from the clock instead of from the seed. */
#include <time.h>

#include "plain_hook.h"

PLAIN_POINT(after_train_iter) {
  const grapnel_host* host = ((plain_hook*)self)->host;
  const grapnel_optimizer_service* optimizer =
      (const grapnel_optimizer_service*)host->get_service(host, GRAPNEL_SERVICE_OPTIMIZER);
  struct timespec now;
  if (optimizer == NULL || optimizer->group_count(host) == 0) return GRAPNEL_STATUS_OK;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return optimizer->set_lr(host, 0, 1e-12 * (double)now.tv_nsec, error);
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = after_train_iter};
PLAIN_PLUGIN("DrawsFromTheClock", vtable);
