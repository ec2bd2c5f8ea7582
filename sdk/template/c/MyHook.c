/* MyHook logs the smoothed training loss, draws it as a curve, and keeps it over a resume. */
#include <grapnel/grapnel.h>

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* One instance: the config may name the hook several times. */
struct hook {
  const grapnel_host* host;
  const grapnel_log_service* log;
  const grapnel_values_service* values;
  const grapnel_message_hub_service* message_hub;
  int64_t interval;
  double smoothing;
  int64_t updates; /* losses seen */
  double mean;
};

/* Writes the message into the caller's buffer, cut to fit, and gives the status back. */
static grapnel_status fail(grapnel_error* error, grapnel_status status, const char* format, ...) {
  va_list arguments;
  error->code = status;
  if (error->text == NULL || error->capacity == 0) return status;
  va_start(arguments, format);
  vsnprintf(error->text, (size_t)error->capacity, format, arguments);
  va_end(arguments);
  return status;
}

/* ---- options: the order of this table is the order in which create gets the values ---- */

enum { OPTION_INTERVAL, OPTION_SMOOTHING, OPTION_COUNT };

static const grapnel_option options[OPTION_COUNT] = {
    {.struct_size = sizeof(grapnel_option),
     .kind = GRAPNEL_KIND_INT,
     .name = "interval",
     .summary = "train iterations between two lines",
     .default_text = "10",
     .min = 1,
     .max = INFINITY},
    {.struct_size = sizeof(grapnel_option),
     .kind = GRAPNEL_KIND_FLOAT,
     .name = "smoothing",
     .summary = "weight of the past: 0 takes the last alone",
     .default_text = "0.9",
     .min = 0,
     .max = 1},
};

/* Rows lie value_size bytes apart: a later host's may be longer. */
static const grapnel_value* option_value(const grapnel_value* values, uint64_t value_size, uint64_t index) {
  return (const grapnel_value*)((const char*)values + index * value_size);
}

/* ---- the instance ---- */

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  struct hook* hook = calloc(1, sizeof *hook);
  if (hook == NULL) return fail(error, GRAPNEL_STATUS_FAILED, "out of memory");
  hook->host = host;
  hook->log = host->get_service(host, GRAPNEL_SERVICE_LOG);
  hook->values = host->get_service(host, GRAPNEL_SERVICE_VALUES);
  hook->message_hub = host->get_service(host, GRAPNEL_SERVICE_MESSAGE_HUB);
  if (hook->log == NULL || hook->values == NULL || hook->message_hub == NULL || count != OPTION_COUNT) {
    free(hook);
    return fail(error, GRAPNEL_STATUS_UNSUPPORTED,
                "the host gives %" PRIu64 " options, expected %d, or lacks log, values or message hub", count,
                OPTION_COUNT);
  }
  hook->interval = option_value(values, value_size, OPTION_INTERVAL)->integer;
  hook->smoothing = option_value(values, value_size, OPTION_SMOOTHING)->number;
  *self = hook;
  return GRAPNEL_STATUS_OK;
}

static void destroy(void* self) { free(self); }

static grapnel_status after_train_iter(void* self, const grapnel_point_args* args, grapnel_error* error) {
  struct hook* hook = self;
  double loss = 0;
  char line[128];
  grapnel_status status = hook->values->get_number(hook->host, GRAPNEL_VALUES_OUTPUTS, "loss", &loss, error);
  if (status != GRAPNEL_STATUS_OK) return status; /* with the host's own message */
  hook->mean = hook->updates == 0 ? loss : hook->smoothing * hook->mean + (1 - hook->smoothing) * loss;
  ++hook->updates;
  if ((args->iter + 1) % hook->interval != 0) return GRAPNEL_STATUS_OK;
  status = hook->message_hub->update_scalar(hook->host, "train/MyHook_loss", hook->mean, error);
  if (status != GRAPNEL_STATUS_OK) return status;
  snprintf(line, sizeof line, "smoothed loss %f after iteration %" PRId64, hook->mean, args->iter + 1);
  hook->log->write(hook->host, GRAPNEL_LOG_INFO, line);
  return GRAPNEL_STATUS_OK;
}

/* ---- state: the layout's number comes first, so that a later version knows what it reads ---- */

struct state {
  int64_t layout;
  int64_t updates;
  double mean;
};

enum { STATE_LAYOUT = 1 };

static grapnel_status save_state(void* self, const grapnel_state_writer* writer, grapnel_error* error) {
  const struct hook* hook = self;
  const struct state state = {STATE_LAYOUT, hook->updates, hook->mean};
  return writer->write(writer->stream, &state, sizeof state, error);
}

static grapnel_status load_state(void* self, const grapnel_state_reader* reader, grapnel_error* error) {
  struct hook* hook = self;
  struct state state;
  uint64_t filled = 0;
  while (filled < sizeof state) { /* a read may give less than asked for */
    uint64_t got = 0;
    const grapnel_status status =
        reader->read(reader->stream, (char*)&state + filled, sizeof state - filled, &got, error);
    if (status != GRAPNEL_STATUS_OK) return status;
    if (got == 0 || got > sizeof state - filled) {
      return fail(error, GRAPNEL_STATUS_FAILED, "the saved state ends after %" PRIu64 " bytes, expected %zu",
                  filled, sizeof state);
    }
    filled += got;
  }
  if (state.layout != STATE_LAYOUT) {
    return fail(error, GRAPNEL_STATUS_FAILED, "version %s wrote a state of layout %" PRId64 ", expected %d",
                reader->plugin_version, state.layout, STATE_LAYOUT);
  }
  if (state.updates < 0) {
    return fail(error, GRAPNEL_STATUS_FAILED, "the saved state is damaged: %" PRId64 " updates",
                state.updates);
  }
  hook->updates = state.updates;
  hook->mean = state.mean;
  return GRAPNEL_STATUS_OK;
}

/* ---- what the plugin exports; points that are not named stay NULL: not subscribed ---- */

static const grapnel_hook_vtable vtable = {.struct_size = sizeof(grapnel_hook_vtable),
                                           .create = create,
                                           .destroy = destroy,
                                           .save_state = save_state,
                                           .load_state = load_state,
                                           .after_train_iter = after_train_iter};

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {.struct_size = sizeof(grapnel_plugin),
                                                         .abi_major = GRAPNEL_ABI_MAJOR,
                                                         .abi_minor = GRAPNEL_REQUIRED_ABI_MINOR,
                                                         .default_priority = GRAPNEL_PRIORITY_NORMAL,
                                                         .type = "MyHook",
                                                         .version = "0.1.0",
                                                         .author = "",  /* who to ask */
                                                         .license = "", /* an SPDX id, such as "Apache-2.0" */
                                                         .summary = "Logs the smoothed training loss",
                                                         .torch_version = "",
                                                         .options = options,
                                                         .option_count = OPTION_COUNT,
                                                         .option_size = sizeof(grapnel_option),
                                                         .vtable = &vtable};

GRAPNEL_PLUGIN_NOTE("MyHook", "")
