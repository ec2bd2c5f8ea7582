/* Skips an optimiser step whose loss is not finite or too large, so that one bad batch cannot spoil the
 * weights. The same hook as loss_guard_cpp and loss_guard_rust, in plain C11: compare them. */
#include <grapnel/grapnel.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct loss_guard {
  const grapnel_host* host;
  const grapnel_log_service* log;
  const grapnel_runner_service* runner;
  const grapnel_values_service* values;
  const grapnel_message_hub_service* message_hub;
  double max_loss;
  int64_t patience;
  int64_t skipped_in_a_row; /* a resume counts anew */
} loss_guard;

/* Writes the text into the host's buffer, cut to fit, and gives the status back. */
static grapnel_status fail(grapnel_error* error, grapnel_status status, const char* text) {
  error->code = status;
  snprintf(error->text, error->capacity, "%s", text);
  return status;
}

/* The option in row `index` of the table below; a later host's rows may be longer than ours. */
static const grapnel_value* option_at(const grapnel_value* values, uint64_t value_size, uint64_t index) {
  return (const grapnel_value*)((const char*)values + index * value_size);
}

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  loss_guard* guard;
  if (count != 2)
    return fail(error, GRAPNEL_STATUS_INVALID_ARGUMENT, "expected the two options of the table");
  guard = calloc(1, sizeof *guard);
  if (guard == NULL) return fail(error, GRAPNEL_STATUS_INTERNAL, "out of memory");
  guard->host = host;
  guard->log = host->get_service(host, GRAPNEL_SERVICE_LOG);
  guard->runner = host->get_service(host, GRAPNEL_SERVICE_RUNNER);
  guard->values = host->get_service(host, GRAPNEL_SERVICE_VALUES);
  guard->message_hub = host->get_service(host, GRAPNEL_SERVICE_MESSAGE_HUB);
  if (!guard->log || !guard->runner || !guard->values || !guard->message_hub) {
    free(guard);
    return fail(error, GRAPNEL_STATUS_UNSUPPORTED,
                "this host lacks one of the services log, runner, values and message_hub");
  }
  guard->max_loss = option_at(values, value_size, 0)->number;
  guard->patience = option_at(values, value_size, 1)->integer;
  *self = guard;
  return GRAPNEL_STATUS_OK;
}

static void destroy(void* self) { free(self); }

/* The gradients are there and the weights are not yet changed: the last chance to say no. */
static grapnel_status before_optimizer_step(void* self, const grapnel_point_args* args,
                                            grapnel_error* error) {
  loss_guard* guard = self;
  const grapnel_host* host = guard->host;
  char reason[512], line[640];
  double loss = 0;
  int skip;
  grapnel_status status = guard->values->get_number(host, GRAPNEL_VALUES_OUTPUTS, "loss", &loss, error);
  if (status != GRAPNEL_STATUS_OK) return status; /* the host has said why, in the same buffer */

  skip = !(loss <= guard->max_loss); /* a NaN compares false */
  status = guard->message_hub->update_scalar(host, "train/skipped_step", skip ? 1 : 0, error);
  if (status != GRAPNEL_STATUS_OK) return status;
  if (!skip) {
    guard->skipped_in_a_row = 0;
    return GRAPNEL_STATUS_OK;
  }

  if (isfinite(loss)) {
    snprintf(reason, sizeof reason, "the loss %f is above max_loss %f", loss, guard->max_loss);
  } else {
    snprintf(reason, sizeof reason, "the loss is not finite");
  }
  snprintf(line, sizeof line, "iteration %lld skipped: %s", (long long)args->iter + 1, reason);
  guard->log->write(host, GRAPNEL_LOG_WARNING, line);
  status = guard->runner->request_skip_step(host, reason, error);
  if (status != GRAPNEL_STATUS_OK) return status;
  ++guard->skipped_in_a_row;
  if (guard->patience > 0 && guard->skipped_in_a_row >= guard->patience) {
    snprintf(line, sizeof line, "%lld steps in a row were skipped: %s", (long long)guard->skipped_in_a_row,
             reason);
    return fail(error, GRAPNEL_STATUS_FAILED, line);
  }
  return GRAPNEL_STATUS_OK;
}

static const grapnel_option options[] = {
    {.struct_size = sizeof(grapnel_option),
     .kind = GRAPNEL_KIND_FLOAT,
     .presence = GRAPNEL_OPTION_DEFAULTED,
     .name = "max_loss",
     .summary = "loss above which a step is skipped",
     .default_text = "100.0",
     .min = 0,
     .max = INFINITY},
    {.struct_size = sizeof(grapnel_option),
     .kind = GRAPNEL_KIND_INT,
     .presence = GRAPNEL_OPTION_DEFAULTED,
     .name = "patience",
     .summary = "skipped steps in a row that end the run; 0: never",
     .default_text = "0",
     .min = 0,
     .max = INFINITY},
};

/* Points that are not named here stay NULL: the host never calls them. */
static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable),
    .create = create,
    .destroy = destroy,
    .before_optimizer_step = before_optimizer_step,
};

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {
    .struct_size = sizeof(grapnel_plugin),
    .abi_major = GRAPNEL_ABI_MAJOR,
    .abi_minor = GRAPNEL_REQUIRED_ABI_MINOR,
    .default_priority = GRAPNEL_PRIORITY_NORMAL,
    .type = "LossGuardC",
    .version = "1.0.0",
    .author = "Grapnel",
    .license = "Apache-2.0",
    .summary = "Skips steps whose loss is not finite or above a limit",
    .torch_version = "",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .option_size = sizeof options[0],
    .vtable = &vtable,
};
GRAPNEL_PLUGIN_NOTE("LossGuardC", "")
