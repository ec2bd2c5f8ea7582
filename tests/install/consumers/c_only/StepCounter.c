/* Counts train iterations and says at the end of the run how many there were. */
#include <grapnel/grapnel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
  const grapnel_host *host;
  const grapnel_log_service *log; /* NULL: the host has none */
  int64_t steps;
} step_counter;

static grapnel_status create(const grapnel_host *host, const grapnel_value *values, uint64_t count,
                             uint64_t value_size, void **self, grapnel_error *error) {
  step_counter *counter = calloc(1, sizeof *counter);
  (void)values, (void)count, (void)value_size, (void)error;
  if (counter == NULL) return GRAPNEL_STATUS_INTERNAL;
  counter->host = host;
  counter->log = host->get_service(host, GRAPNEL_SERVICE_LOG);
  *self = counter;
  return GRAPNEL_STATUS_OK;
}

static void destroy(void *self) { free(self); }

static grapnel_status after_train_iter(void *self, const grapnel_point_args *args, grapnel_error *error) {
  (void)args, (void)error;
  ((step_counter *)self)->steps++;
  return GRAPNEL_STATUS_OK;
}

static grapnel_status after_run(void *self, const grapnel_point_args *args, grapnel_error *error) {
  const step_counter *counter = self;
  char line[64];
  (void)args, (void)error;
  snprintf(line, sizeof line, "counted %" PRId64 " steps", counter->steps);
  if (counter->log != NULL) counter->log->write(counter->host, GRAPNEL_LOG_INFO, line);
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable),
    .create = create,
    .destroy = destroy,
    .after_run = after_run,
    .after_train_iter = after_train_iter,
};

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {
    .struct_size = sizeof(grapnel_plugin),
    .abi_major = GRAPNEL_ABI_MAJOR,
    .abi_minor = GRAPNEL_REQUIRED_ABI_MINOR,
    .default_priority = GRAPNEL_PRIORITY_NORMAL,
    .type = "StepCounter",
    .version = "1.0.0",
    .author = "",
    .license = "",
    .summary = "Counts train iterations",
    .torch_version = "",
    .vtable = &vtable,
};
GRAPNEL_PLUGIN_NOTE("StepCounter", "");
