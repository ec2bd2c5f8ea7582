/* Fails where it is told to, in each of the ways that revision 1.0 knows. */
#include <grapnel/grapnel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char* const places[] = {"nowhere",  "create",     "before_run",
                                     "silently", "save_state", "long_text"};
static const grapnel_option options[] = {{sizeof(grapnel_option), GRAPNEL_KIND_STRING,
                                          GRAPNEL_OPTION_DEFAULTED, 0, "where", "where it fails",
                                          "\"nowhere\"", 0, 0, places, 6, 0, 0}};

static grapnel_status fail(grapnel_error* error, const char* text) {
  error->code = GRAPNEL_STATUS_FAILED;
  snprintf(error->text, error->capacity, "%s", text);
  return GRAPNEL_STATUS_FAILED;
}

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  char* where;
  (void)host, (void)count, (void)value_size;
  if (strcmp(values->text, "create") == 0) return fail(error, "the disk is full");
  where = malloc(strlen(values->text) + 1);
  if (where == NULL) return fail(error, "out of memory");
  *self = strcpy(where, values->text);
  return GRAPNEL_STATUS_OK;
}

static void destroy(void* self) { free(self); }

static grapnel_status before_run(void* self, const grapnel_point_args* args, grapnel_error* error) {
  (void)args;
  if (strcmp(self, "before_run") == 0) return fail(error, "no camera at /dev/video0");
  if (strcmp(self, "silently") == 0) return GRAPNEL_STATUS_UNSUPPORTED;
  if (strcmp(self, "long_text") == 0) {
    /* As much as fits, without an end. */
    memset(error->text, 'x', error->capacity);
    return GRAPNEL_STATUS_FAILED;
  }
  return GRAPNEL_STATUS_OK;
}

static grapnel_status save_state(void* self, const grapnel_state_writer* writer, grapnel_error* error) {
  (void)writer;
  return strcmp(self, "save_state") == 0 ? fail(error, "the state is locked") : GRAPNEL_STATUS_OK;
}
static grapnel_status load_state(void* self, const grapnel_state_reader* reader, grapnel_error* error) {
  (void)self, (void)reader;
  return fail(error, "this hook takes no state back");
}

/* Positional, as C89 and other languages write it. */
static const grapnel_hook_vtable vtable = {sizeof(grapnel_hook_vtable),
                                           0,
                                           create,
                                           destroy,
                                           save_state,
                                           load_state,
                                           before_run,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0,
                                           0};

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {sizeof(grapnel_plugin),
                                                         GRAPNEL_ABI_MAJOR,
                                                         GRAPNEL_ABI_MINOR,
                                                         GRAPNEL_PRIORITY_HIGH,
                                                         "OldErrors",
                                                         "1.0.0",
                                                         "",
                                                         "",
                                                         "Fails on demand",
                                                         "",
                                                         options,
                                                         1,
                                                         sizeof(grapnel_option),
                                                         &vtable};
GRAPNEL_PLUGIN_NOTE("OldErrors", "")
