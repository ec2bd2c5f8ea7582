/* Draws its learning rate from the kernel's random numbers instead of from the seed. */
#include <sys/random.h>

#include "plain_hook.h"

PLAIN_POINT(after_train_iter) {
  const grapnel_host* host = ((plain_hook*)self)->host;
  const grapnel_optimizer_service* optimizer =
      (const grapnel_optimizer_service*)host->get_service(host, GRAPNEL_SERVICE_OPTIMIZER);
  uint32_t drawn = 0;
  if (optimizer == NULL || optimizer->group_count(host) == 0) return GRAPNEL_STATUS_OK;
  if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn) {
    return plain_fail(error, GRAPNEL_STATUS_IO, "the kernel gives no random numbers");
  }
  return optimizer->set_lr(host, 0, 1e-12 * (double)drawn, error);
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = after_train_iter};
PLAIN_PLUGIN("DrawsFromTheKernel", vtable);
