/* Scales a loss in place, although the step's outputs are for reading only. */
#include "plain_hook.h"

PLAIN_POINT(after_train_iter) {
  const grapnel_host* host = ((plain_hook*)self)->host;
  const grapnel_values_service* values =
      (const grapnel_values_service*)host->get_service(host, GRAPNEL_SERVICE_VALUES);
  grapnel_named_value value = {.struct_size = sizeof value};
  if (values == NULL || values->count(host, GRAPNEL_VALUES_OUTPUTS) == 0) return GRAPNEL_STATUS_OK;
  const grapnel_status status = values->get(host, GRAPNEL_VALUES_OUTPUTS, 0, &value, error);
  if (status != GRAPNEL_STATUS_OK || !value.is_tensor) return status;
  *(float*)((char*)value.tensor.data + value.tensor.byte_offset) *= 0.5f;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = after_train_iter};
PLAIN_PLUGIN("WritesAReadOnlyView", vtable);
