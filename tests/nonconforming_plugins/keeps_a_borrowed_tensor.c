/* Keeps the view of a loss and reads it in a later callback. */
#include "plain_hook.h"

typedef struct keeping_hook {
  plain_hook plain;
  const volatile float* loss;
} keeping_hook;

PLAIN_CREATE(create) {
  keeping_hook* hook = (keeping_hook*)calloc(1, sizeof *hook);
  if (hook == NULL) return plain_fail(error, GRAPNEL_STATUS_INTERNAL, "out of memory");
  hook->plain.host = host;
  *self = hook;
  return GRAPNEL_STATUS_OK;
}

PLAIN_POINT(after_train_iter) {
  keeping_hook* hook = (keeping_hook*)self;
  const grapnel_host* host = hook->plain.host;
  const grapnel_values_service* values =
      (const grapnel_values_service*)host->get_service(host, GRAPNEL_SERVICE_VALUES);
  grapnel_named_value value = {.struct_size = sizeof value};
  if (values == NULL || values->count(host, GRAPNEL_VALUES_OUTPUTS) == 0) return GRAPNEL_STATUS_OK;
  const grapnel_status status = values->get(host, GRAPNEL_VALUES_OUTPUTS, 0, &value, error);
  if (status != GRAPNEL_STATUS_OK || !value.is_tensor) return status;
  hook->loss = (const float*)((const char*)value.tensor.data + value.tensor.byte_offset);
  return GRAPNEL_STATUS_OK;
}

PLAIN_POINT(after_train_epoch) {
  keeping_hook* hook = (keeping_hook*)self;
  if (hook->loss != NULL) (void)*hook->loss;
  hook->loss = NULL;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {.struct_size = sizeof(grapnel_hook_vtable),
                                           .create = create,
                                           .destroy = plain_destroy,
                                           .after_train_iter = after_train_iter,
                                           .after_train_epoch = after_train_epoch};
PLAIN_PLUGIN("KeepsABorrowedTensor", vtable);
