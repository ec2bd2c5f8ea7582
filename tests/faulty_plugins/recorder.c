/* Not a defect: writes every call into the tests' journal, fails where its option says, keeps a state. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "plain_hook.h"

typedef struct recorder {
  const grapnel_host* host;
  const journal_service* journal;
  char label[32];
  char fail_at[32];
  int64_t calls;
} recorder;

static void note_down(const recorder* self, const char* what) {
  char line[128];
  if (self->journal == 0) return;
  snprintf(line, sizeof line, "%s:%s", self->label, what);
  self->journal->write(self->host, line);
}

static grapnel_status fail(grapnel_error* error, const char* text) {
  error->code = GRAPNEL_STATUS_FAILED;
  snprintf(error->text, error->capacity, "%s", text);
  return GRAPNEL_STATUS_FAILED;
}

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  const grapnel_value* fail_at = (const grapnel_value*)((const char*)values + value_size);
  recorder* made;
  if (count != 2) return fail(error, "expected two options");
  if (strcmp(fail_at->text, "create") == 0) return fail(error, "asked to fail");
  made = calloc(1, sizeof *made);
  made->host = host;
  made->journal = host->get_service(host, JOURNAL_SERVICE);
  snprintf(made->label, sizeof made->label, "%s", values->text);
  snprintf(made->fail_at, sizeof made->fail_at, "%s", fail_at->text);
  note_down(made, "create");
  *self = made;
  return GRAPNEL_STATUS_OK;
}

static void destroy(void* self) {
  note_down(self, "destroy");
  free(self);
}

static grapnel_status save_state(void* self, const grapnel_state_writer* writer, grapnel_error* error) {
  recorder* me = self;
  /* Columns of a 2 x 3 matrix, so that the host has to gather: 0 2 4 / 1 3 5. */
  float matrix[6] = {0, 1, 2, 3, 4, 5};
  int64_t shape[2] = {2, 3}, strides[2] = {1, 2};
  grapnel_tensor view = {matrix, {GRAPNEL_DEVICE_CPU, 0}, 2, {GRAPNEL_DTYPE_FLOAT, 32, 1}, shape, strides, 0};
  grapnel_status status;
  if (strcmp(me->fail_at, "save_state") == 0) return fail(error, "asked to fail");
  status = writer->write(writer->stream, &me->calls, sizeof me->calls, error);
  if (status != GRAPNEL_STATUS_OK) return status;
  return writer->write_tensor(writer->stream, "matrix", &view, error);
}

static grapnel_status load_state(void* self, const grapnel_state_reader* reader, grapnel_error* error) {
  recorder* me = self;
  uint64_t got = 0;
  grapnel_tensor view;
  char line[64];
  grapnel_status status = reader->read(reader->stream, &me->calls, sizeof me->calls, &got, error);
  if (status != GRAPNEL_STATUS_OK) return status;
  if (got != sizeof me->calls) return fail(error, "the saved state ends early");
  status = reader->find_tensor(reader->stream, "matrix", &view, error);
  if (status != GRAPNEL_STATUS_OK) return status;
  snprintf(line, sizeof line, "load %lld %g,%g", (long long)me->calls, ((const float*)view.data)[1],
           ((const float*)view.data)[view.strides[0]]);
  note_down(me, line);
  return GRAPNEL_STATUS_OK;
}

static grapnel_status record(void* self, const char* point, grapnel_error* error) {
  recorder* me = self;
  ++me->calls;
  note_down(me, point);
  return strcmp(me->fail_at, point) == 0 ? fail(error, "asked to fail") : GRAPNEL_STATUS_OK;
}

#define POINT(name)                                                                                   \
  static grapnel_status name(void* self, const grapnel_point_args* args, grapnel_error* error) {      \
    if (args->struct_size != sizeof(grapnel_point_args)) return fail(error, "the args have no size"); \
    return record(self, #name, error);                                                                \
  }
POINT(before_run)
POINT(after_run)
POINT(before_train_iter)
POINT(after_train_iter)
POINT(on_exception)

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable),
    .create = create,
    .destroy = destroy,
    .save_state = save_state,
    .load_state = load_state,
    .before_run = before_run,
    .after_run = after_run,
    .before_train_iter = before_train_iter,
    .after_train_iter = after_train_iter,
    .on_exception = on_exception,
};
static const grapnel_option options[] = {
    {.struct_size = sizeof(grapnel_option),
     .kind = GRAPNEL_KIND_STRING,
     .presence = GRAPNEL_OPTION_DEFAULTED,
     .name = "label",
     .summary = "begins every line",
     .default_text = "\"r\""},
    {.struct_size = sizeof(grapnel_option),
     .kind = GRAPNEL_KIND_STRING,
     .presence = GRAPNEL_OPTION_DEFAULTED,
     .name = "fail_at",
     .summary = "point at which to fail",
     .default_text = "\"\""},
};
GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {sizeof(grapnel_plugin),
                                                         GRAPNEL_ABI_MAJOR,
                                                         GRAPNEL_ABI_MINOR,
                                                         GRAPNEL_PRIORITY_LOW,
                                                         "Recorder",
                                                         "1.2.3",
                                                         "The tests",
                                                         "Apache-2.0",
                                                         "Records its calls",
                                                         "",
                                                         options,
                                                         2,
                                                         sizeof(grapnel_option),
                                                         &vtable};
GRAPNEL_PLUGIN_NOTE("Recorder", "")
