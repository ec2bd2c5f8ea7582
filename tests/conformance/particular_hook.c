/* Right in every way, but particular: its one option has a meaning that no generator can guess. */
#include <stdio.h>
#include <string.h>

#include <grapnel/grapnel.h>

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  (void)host, (void)count, (void)value_size;
  *self = 0;
  if (strcmp(values->text, "open sesame") == 0) return GRAPNEL_STATUS_OK;
  error->code = GRAPNEL_STATUS_FAILED;
  if (error->capacity > 0) snprintf(error->text, error->capacity, "'%s' is not the word", values->text);
  return GRAPNEL_STATUS_FAILED;
}

static void destroy(void* self) { (void)self; }

static grapnel_status nothing(void* self, const grapnel_point_args* args, grapnel_error* error) {
  (void)self, (void)args, (void)error;
  return GRAPNEL_STATUS_OK;
}

static const grapnel_option options[] = {{.struct_size = sizeof(grapnel_option),
                                          .kind = GRAPNEL_KIND_STRING,
                                          .presence = GRAPNEL_OPTION_REQUIRED,
                                          .name = "word",
                                          .summary = "the word that opens the door",
                                          .min = -__builtin_inf(),
                                          .max = __builtin_inf()}};
static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = destroy, .before_run = nothing};
GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {sizeof(grapnel_plugin),
                                                         GRAPNEL_ABI_MAJOR,
                                                         GRAPNEL_ABI_MINOR,
                                                         GRAPNEL_PRIORITY_NORMAL,
                                                         "ParticularHook",
                                                         "1.0.0",
                                                         "The tests",
                                                         "",
                                                         "Wants the one word",
                                                         "",
                                                         options,
                                                         1,
                                                         sizeof(grapnel_option),
                                                         &vtable};
GRAPNEL_PLUGIN_NOTE("ParticularHook", "");
