/* As a plugin looks that was compiled when fewer points and option fields existed: its vtable ends after
 * after_run, its option rows after default_text. What follows in memory must never be read. */
#include <grapnel/grapnel.h>
#include <stdio.h>
#include <string.h>

typedef struct early_vtable {
  uint32_t struct_size;
  uint32_t reserved;
  grapnel_status (*create)(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                           uint64_t value_size, void** self, grapnel_error* error);
  void (*destroy)(void* self);
  grapnel_status (*save_state)(void* self, const grapnel_state_writer* writer, grapnel_error* error);
  grapnel_status (*load_state)(void* self, const grapnel_state_reader* reader, grapnel_error* error);
  grapnel_point_fn before_run;
  grapnel_point_fn after_run;
} early_vtable;

typedef struct early_option {
  uint32_t struct_size;
  int32_t kind;
  int32_t presence;
  int32_t reserved;
  const char* name;
  const char* summary;
  const char* default_text;
} early_option;

static const grapnel_host* its_host;

static void say(const char* text) {
  const grapnel_log_service* log = its_host->get_service(its_host, GRAPNEL_SERVICE_LOG);
  log->write(its_host, GRAPNEL_LOG_INFO, text);
}

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  const grapnel_value* second = (const grapnel_value*)((const char*)values + value_size);
  char line[128];
  (void)error;
  its_host = host;
  *self = NULL;
  snprintf(line, sizeof line, "%d options: %s = %d, %s = %s", (int)count, values->name, (int)values->integer,
           second->name, second->text);
  say(line);
  return GRAPNEL_STATUS_OK;
}
static void destroy(void* self) {
  (void)self;
  say("destroy");
}
static grapnel_status before_run(void* self, const grapnel_point_args* args, grapnel_error* error) {
  (void)self, (void)args, (void)error;
  say("before_run");
  return GRAPNEL_STATUS_OK;
}
static grapnel_status after_run(void* self, const grapnel_point_args* args, grapnel_error* error) {
  (void)self, (void)args, (void)error;
  say("after_run");
  return GRAPNEL_STATUS_OK;
}
static grapnel_status beyond_the_end(void* self, const grapnel_point_args* args, grapnel_error* error) {
  (void)self, (void)args;
  snprintf(error->text, error->capacity, "the host read beyond the end of the vtable");
  return error->code = GRAPNEL_STATUS_FAILED;
}

static const struct {
  early_vtable table;
  grapnel_point_fn not_the_tables[25];
} memory = {{sizeof(early_vtable), 0, create, destroy, 0, 0, before_run, after_run},
            {beyond_the_end, beyond_the_end, beyond_the_end, beyond_the_end, beyond_the_end,
             beyond_the_end, beyond_the_end, beyond_the_end, beyond_the_end, beyond_the_end,
             beyond_the_end, beyond_the_end, beyond_the_end, beyond_the_end, beyond_the_end,
             beyond_the_end, beyond_the_end, beyond_the_end, beyond_the_end, beyond_the_end,
             beyond_the_end, beyond_the_end, beyond_the_end, beyond_the_end, beyond_the_end}};

static const early_option options[] = {
    {sizeof(early_option), GRAPNEL_KIND_INT, GRAPNEL_OPTION_DEFAULTED, 0, "interval", "has no range yet",
     "-7"},
    {sizeof(early_option), GRAPNEL_KIND_STRING, GRAPNEL_OPTION_DEFAULTED, 0, "name", "has no choices yet",
     "\"n\""},
};

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {
    .struct_size = sizeof(grapnel_plugin),
    .abi_major = GRAPNEL_ABI_MAJOR,
    .abi_minor = GRAPNEL_ABI_MINOR,
    .default_priority = GRAPNEL_PRIORITY_NORMAL,
    .type = "OldShorterTables",
    .version = "0.9.0",
    .author = "",
    .license = "",
    .summary = "Was compiled when fewer points existed",
    .torch_version = "",
    .options = (const grapnel_option*)(const void*)options,
    .option_count = 2,
    .option_size = sizeof(early_option),
    .vtable = (const grapnel_hook_vtable*)(const void*)&memory.table,
};
GRAPNEL_PLUGIN_NOTE("OldShorterTables", "")
