/* An option of every kind and presence of revision 1.0, with every limit; logs what it is given. */
#include <grapnel/grapnel.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char* const schedules[] = {"linear", "cosine"};

#define ROW(its_kind, its_name, its_default)                                                     \
  .struct_size = sizeof(grapnel_option), .kind = its_kind, .presence = GRAPNEL_OPTION_DEFAULTED, \
  .name = its_name, .summary = "one of each", .default_text = its_default
#define UNBOUNDED .min = -INFINITY, .max = INFINITY

static const grapnel_option options[] = {
    {ROW(GRAPNEL_KIND_BOOL, "enabled", "true"), UNBOUNDED},
    {ROW(GRAPNEL_KIND_INT, "interval", "50"), .min = 1, .max = 1000},
    {ROW(GRAPNEL_KIND_FLOAT, "momentum", "2e-4"), .min = 0, .max = 1},
    {ROW(GRAPNEL_KIND_STRING, "schedule", "\"cosine\""), UNBOUNDED, .choices = schedules, .choice_count = 2},
    {ROW(GRAPNEL_KIND_BOOL_LIST, "flags", "[true, false]"), UNBOUNDED},
    {ROW(GRAPNEL_KIND_INT_LIST, "size_range", "[14, 26]"), .min = 1, .max = INFINITY, .min_items = 2,
     .max_items = 2},
    {ROW(GRAPNEL_KIND_FLOAT_LIST, "weights", "[0.5, 1]"), UNBOUNDED},
    {ROW(GRAPNEL_KIND_STRING_LIST, "names", "[\"a\", \"b\"]"), UNBOUNDED},
    {ROW(GRAPNEL_KIND_TREE, "tree", "{ type = \"Resize\", scale = [256, 256] }"), UNBOUNDED},
    {.struct_size = sizeof(grapnel_option),
     .kind = GRAPNEL_KIND_INT,
     .presence = GRAPNEL_OPTION_REQUIRED,
     .name = "needed",
     .summary = "must be given",
     UNBOUNDED},
    {.struct_size = sizeof(grapnel_option),
     .kind = GRAPNEL_KIND_FLOAT,
     .presence = GRAPNEL_OPTION_OPTIONAL,
     .name = "maybe",
     .summary = "may be left out",
     UNBOUNDED},
};
#define OPTION_COUNT (sizeof options / sizeof *options)

static void spell(const grapnel_value* value, char* text, size_t capacity) {
  size_t used = (size_t)snprintf(text, capacity, "%s =", value->name);
  uint64_t i;
  if (!value->is_set) {
    snprintf(text + used, capacity - used, " not set");
    return;
  }
  switch (value->kind) {
    case GRAPNEL_KIND_BOOL:
    case GRAPNEL_KIND_INT:
      snprintf(text + used, capacity - used, " %" PRId64, value->integer);
      return;
    case GRAPNEL_KIND_FLOAT:
      snprintf(text + used, capacity - used, " %g", value->number);
      return;
    case GRAPNEL_KIND_STRING:
    case GRAPNEL_KIND_TREE:
      snprintf(text + used, capacity - used, " %s", value->text);
      return;
    default:
      break;
  }
  for (i = 0; i < value->count; ++i) {
    char item[64];
    if (value->kind == GRAPNEL_KIND_FLOAT_LIST)
      snprintf(item, sizeof item, " %g", value->numbers[i]);
    else if (value->kind == GRAPNEL_KIND_STRING_LIST)
      snprintf(item, sizeof item, " %s", value->texts[i]);
    else
      snprintf(item, sizeof item, " %" PRId64, value->integers[i]);
    used += (size_t)snprintf(text + used, capacity - used, "%s", item);
  }
}

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  const grapnel_log_service* log = host->get_service(host, GRAPNEL_SERVICE_LOG);
  uint64_t i;
  if (count != OPTION_COUNT || value_size < sizeof(grapnel_value)) {
    snprintf(error->text, error->capacity, "got %" PRIu64 " values of %" PRIu64 " bytes", count, value_size);
    return error->code = GRAPNEL_STATUS_INVALID_ARGUMENT;
  }
  for (i = 0; i < count; ++i) {
    const grapnel_value* value = (const grapnel_value*)((const char*)values + i * value_size);
    char line[256];
    if (strcmp(value->name, options[i].name) != 0 || value->kind != options[i].kind ||
        value->struct_size < sizeof(grapnel_value)) {
      snprintf(error->text, error->capacity, "value %" PRIu64 " is %s", i, value->name);
      return error->code = GRAPNEL_STATUS_INVALID_ARGUMENT;
    }
    spell(value, line, sizeof line);
    log->write(host, GRAPNEL_LOG_INFO, line);
  }
  *self = NULL;
  return GRAPNEL_STATUS_OK;
}

static void destroy(void* self) { (void)self; }

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = destroy};

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {
    .struct_size = sizeof(grapnel_plugin),
    .abi_major = GRAPNEL_ABI_MAJOR,
    .abi_minor = GRAPNEL_ABI_MINOR,
    .default_priority = GRAPNEL_PRIORITY_NORMAL,
    .type = "OldOptions",
    .version = "1.0.0",
    .author = "",
    .license = "",
    .summary = "One option of each kind",
    .torch_version = "",
    .options = options,
    .option_count = OPTION_COUNT,
    .option_size = sizeof(grapnel_option),
    .vtable = &vtable,
};
GRAPNEL_PLUGIN_NOTE("OldOptions", "")
