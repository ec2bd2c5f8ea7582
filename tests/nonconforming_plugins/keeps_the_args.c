/* Keeps the args of one point and reads them at the next. */
#include "plain_hook.h"

typedef struct keeping_hook {
  plain_hook plain;
  const volatile grapnel_point_args* args;
} keeping_hook;

PLAIN_CREATE(create) {
  keeping_hook* hook = (keeping_hook*)calloc(1, sizeof *hook);
  if (hook == NULL) return plain_fail(error, GRAPNEL_STATUS_INTERNAL, "out of memory");
  *self = hook;
  return GRAPNEL_STATUS_OK;
}

PLAIN_POINT(before_train_iter) {
  ((keeping_hook*)self)->args = args;
  return GRAPNEL_STATUS_OK;
}

PLAIN_POINT(after_train_iter) {
  keeping_hook* hook = (keeping_hook*)self;
  if (hook->args != NULL) hook->plain.seen = hook->args->iter;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {.struct_size = sizeof(grapnel_hook_vtable),
                                           .create = create,
                                           .destroy = plain_destroy,
                                           .before_train_iter = before_train_iter,
                                           .after_train_iter = after_train_iter};
PLAIN_PLUGIN("KeepsTheArgs", vtable);
