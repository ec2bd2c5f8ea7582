/* Built with a newer SDK, but can do without what is new in it (abi_minor 0): vtable, descriptor, option rows
 * and note are longer than today's, and it looks for longer values, a longer host and a service that nobody
 * has. */
#include <string.h>

#include "newer_sdk.h"

static const grapnel_host* its_host;

static void say(const char* text) {
  const grapnel_log_service* log = its_host->get_service(its_host, GRAPNEL_SERVICE_LOG);
  log->write(its_host, GRAPNEL_LOG_INFO, text);
}

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  const grapnel_value* insists = (const grapnel_value*)((const char*)values + value_size);
  char line[256];
  (void)count;
  its_host = host;
  *self = NULL;
  if (host->get_service(host, "grapnel.quantum/1") == NULL && insists->integer) {
    snprintf(error->text, error->capacity,
             "it needs the service grapnel.quantum/1; this host (%s %s, ABI %d.%u) has not got it",
             host->name, host->version, GRAPNEL_ABI_MAJOR, (unsigned)host->abi_minor);
    return error->code = GRAPNEL_STATUS_UNSUPPORTED;
  }
  snprintf(line, sizeof line, "interval %d, values %s, host %s, quantum service %s", (int)values->integer,
           value_size >= sizeof(newer_value) && values->struct_size >= sizeof(newer_value) ? "new" : "old",
           host->struct_size >= sizeof(newer_host) ? "new" : "old",
           host->get_service(host, "grapnel.quantum/1") ? "there" : "not there");
  say(line);
  return GRAPNEL_STATUS_OK;
}

static grapnel_status before_run(void* self, const grapnel_point_args* args, grapnel_error* error) {
  (void)self, (void)error;
  say(args->struct_size >= sizeof(newer_point_args) ? "new arguments" : "old arguments");
  return GRAPNEL_STATUS_OK;
}
static grapnel_status on_interrupt(void* self, const grapnel_point_args* args, grapnel_error* error) {
  (void)self, (void)args, (void)error;
  say("on_interrupt");
  return GRAPNEL_STATUS_OK;
}
static grapnel_status unknown(void* self, const grapnel_point_args* args, grapnel_error* error) {
  (void)self, (void)args;
  snprintf(error->text, error->capacity, "the host called a slot that it cannot know");
  return error->code = GRAPNEL_STATUS_FAILED;
}

static const newer_vtable vtable = {.known = {.struct_size = sizeof(newer_vtable),
                                              .create = create,
                                              .destroy = newer_destroy,
                                              .before_run = before_run,
                                              .on_interrupt = on_interrupt},
                                    .on_pause = unknown,
                                    .on_continue = unknown};
static const newer_option options[] = {
    {{sizeof(newer_option), GRAPNEL_KIND_INT, GRAPNEL_OPTION_DEFAULTED, 0, "interval", "iterations", "50", 1,
      100, 0, 0, 0, 0},
     "iterations",
     5},
    {{sizeof(newer_option), GRAPNEL_KIND_BOOL, GRAPNEL_OPTION_DEFAULTED, 0, "insists", "on the service",
      "false", 0, 0, 0, 0, 0, 0},
     "",
     0},
};

/* The exported object is longer than a host of today takes it for. */
GRAPNEL_EXPORT const newer_plugin grapnel_plugin_v1 = {
    .known = {.struct_size = sizeof(newer_plugin),
              .abi_major = GRAPNEL_ABI_MAJOR,
              .abi_minor = 0,
              .default_priority = GRAPNEL_PRIORITY_NORMAL,
              .type = "FutureLongerTables",
              .version = "3.0.0",
              .author = "",
              .license = "",
              .summary = "Longer everywhere",
              .torch_version = "",
              .options = &options[0].known,
              .option_count = 2,
              .option_size = sizeof(newer_option),
              .vtable = &vtable.known},
    .homepage = "https://example.org",
    .more = &vtable,
};
NEWER_NOTE(GRAPNEL_ABI_MAJOR, 0, "FutureLongerTables")
