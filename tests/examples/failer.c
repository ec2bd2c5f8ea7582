/* Fails in its callbacks the only way that C has: a status, with words and without. */
#include <grapnel/grapnel.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct failer {
  const grapnel_host* host;
  const grapnel_log_service* log;
} failer;

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  failer* made = malloc(sizeof *made);
  (void)values, (void)count, (void)value_size, (void)error;
  if (made == NULL) return GRAPNEL_STATUS_INTERNAL;
  made->host = host;
  made->log = host->get_service(host, GRAPNEL_SERVICE_LOG);
  *self = made;
  return GRAPNEL_STATUS_OK;
}
static void destroy(void* self) { free(self); }

static grapnel_status fail_with_words(void* self, const grapnel_point_args* args, grapnel_error* error) {
  (void)self, (void)args;
  error->code = GRAPNEL_STATUS_FAILED;
  snprintf(error->text, error->capacity, "failed on purpose");
  return GRAPNEL_STATUS_FAILED;
}
static grapnel_status fail_without_words(void* self, const grapnel_point_args* args, grapnel_error* error) {
  (void)self, (void)args, (void)error;
  return GRAPNEL_STATUS_IO;
}
static grapnel_status after_run(void* self, const grapnel_point_args* args, grapnel_error* error) {
  const failer* me = self;
  (void)args, (void)error;
  me->log->write(me->host, GRAPNEL_LOG_INFO, "still here");
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {.struct_size = sizeof(grapnel_hook_vtable),
                                           .create = create,
                                           .destroy = destroy,
                                           .before_run = fail_with_words,
                                           .before_val = fail_without_words,
                                           .after_run = after_run};
GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {.struct_size = sizeof(grapnel_plugin),
                                                         .abi_major = GRAPNEL_ABI_MAJOR,
                                                         .abi_minor = GRAPNEL_REQUIRED_ABI_MINOR,
                                                         .default_priority = GRAPNEL_PRIORITY_NORMAL,
                                                         .type = "Failer",
                                                         .version = "1.0.0",
                                                         .author = "",
                                                         .license = "",
                                                         .summary = "Fails in its callbacks",
                                                         .torch_version = "",
                                                         .vtable = &vtable};
GRAPNEL_PLUGIN_NOTE("Failer", "")
