/* Keeps the text of an option instead of copying it, and reads it when the run begins. */
#include "plain_hook.h"

typedef struct keeping_hook {
  plain_hook plain;
  const volatile char* label;
} keeping_hook;

PLAIN_CREATE(create) {
  keeping_hook* hook = (keeping_hook*)calloc(1, sizeof *hook);
  if (hook == NULL) return plain_fail(error, GRAPNEL_STATUS_INTERNAL, "out of memory");
  hook->label = values->text;
  *self = hook;
  return GRAPNEL_STATUS_OK;
}

PLAIN_POINT(before_run) {
  (void)*((keeping_hook*)self)->label;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_option options[] = {
    PLAIN_OPTION(GRAPNEL_KIND_STRING, "label", "\"looks\"", "begins every line", -INFINITY, INFINITY)};

static const grapnel_hook_vtable vtable = {.struct_size = sizeof(grapnel_hook_vtable),
                                           .create = create,
                                           .destroy = plain_destroy,
                                           .before_run = before_run};
PLAIN_PLUGIN_WITH_OPTIONS("KeepsTheTextOfAnOption", vtable, options);
