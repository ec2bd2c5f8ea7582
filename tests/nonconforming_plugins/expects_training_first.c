/* Makes its table in before_train and reads it in after_test: a test alone finds none. */
#include "plain_hook.h"

typedef struct table_hook {
  plain_hook plain;
  int64_t* table;
} table_hook;

PLAIN_CREATE(create) {
  table_hook* hook = (table_hook*)calloc(1, sizeof *hook);
  if (hook == NULL) return plain_fail(error, GRAPNEL_STATUS_INTERNAL, "out of memory");
  *self = hook;
  return GRAPNEL_STATUS_OK;
}

static void destroy(void* self) {
  free(((table_hook*)self)->table);
  free(self);
}

PLAIN_POINT(before_train) {
  table_hook* hook = (table_hook*)self;
  if (hook->table == NULL) hook->table = (int64_t*)calloc(4, sizeof *hook->table);
  return hook->table ? GRAPNEL_STATUS_OK : plain_fail(error, GRAPNEL_STATUS_INTERNAL, "out of memory");
}

PLAIN_POINT(after_test) {
  ++((table_hook*)self)->table[0];
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {.struct_size = sizeof(grapnel_hook_vtable),
                                           .create = create,
                                           .destroy = destroy,
                                           .before_train = before_train,
                                           .after_test = after_test};
PLAIN_PLUGIN("ExpectsTrainingFirst", vtable);
