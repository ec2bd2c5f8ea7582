/* Keeps a counter in the byte stream and a strided matrix as a named tensor; reads both back. */
#include <grapnel/grapnel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct counter {
  const grapnel_host* host;
  int64_t iterations;
  float matrix[2][3];
} counter;

static grapnel_status fail(grapnel_error* error, grapnel_status status, const char* text) {
  snprintf(error->text, error->capacity, "%s", text);
  return error->code = status;
}

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  counter* made = calloc(1, sizeof *made);
  (void)values, (void)count, (void)value_size;
  if (made == NULL) return fail(error, GRAPNEL_STATUS_INTERNAL, "out of memory");
  made->host = host;
  *self = made;
  return GRAPNEL_STATUS_OK;
}

static void destroy(void* self) { free(self); }

static grapnel_status after_train_iter(void* self, const grapnel_point_args* args, grapnel_error* error) {
  counter* me = self;
  int i, j;
  (void)error;
  ++me->iterations;
  for (i = 0; i < 2; ++i)
    for (j = 0; j < 3; ++j) me->matrix[i][j] += (float)(10 * i + j) + (float)args->iter;
  return GRAPNEL_STATUS_OK;
}

/* The matrix goes out transposed: [3, 2] with strides [1, 3]. */
static grapnel_status save_state(void* self, const grapnel_state_writer* writer, grapnel_error* error) {
  counter* me = self;
  int64_t shape[2] = {3, 2}, strides[2] = {1, 3};
  grapnel_tensor view = {me->matrix, {GRAPNEL_DEVICE_CPU, 0}, 2, {GRAPNEL_DTYPE_FLOAT, 32, 1}, shape, strides,
                         0};
  grapnel_status status = writer->write(writer->stream, &me->iterations, sizeof me->iterations, error);
  return status != GRAPNEL_STATUS_OK ? status : writer->write_tensor(writer->stream, "matrix", &view, error);
}

static grapnel_status load_state(void* self, const grapnel_state_reader* reader, grapnel_error* error) {
  counter* me = self;
  const grapnel_log_service* log = me->host->get_service(me->host, GRAPNEL_SERVICE_LOG);
  char line[128], extra;
  char* at = (char*)&me->iterations;
  uint64_t left = sizeof me->iterations, got = 0;
  grapnel_tensor view;
  grapnel_status status;
  int i, j;
  while (left > 0) {
    status = reader->read(reader->stream, at, left, &got, error);
    if (status != GRAPNEL_STATUS_OK) return status;
    if (got == 0) return fail(error, GRAPNEL_STATUS_FAILED, "the state ends early");
    at += got;
    left -= got;
  }
  status = reader->read(reader->stream, &extra, 1, &got, error);
  if (status != GRAPNEL_STATUS_OK) return status;
  if (got != 0) return fail(error, GRAPNEL_STATUS_FAILED, "the state has more than was written");
  if (reader->find_tensor(reader->stream, "no such tensor", &view, error) != GRAPNEL_STATUS_NOT_FOUND)
    return fail(error, GRAPNEL_STATUS_FAILED, "a tensor that was never written is there");
  status = reader->find_tensor(reader->stream, "matrix", &view, error);
  if (status != GRAPNEL_STATUS_OK) return status;
  if (view.ndim != 2 || view.shape[0] != 3 || view.shape[1] != 2 || view.dtype.bits != 32)
    return fail(error, GRAPNEL_STATUS_FAILED, "the matrix has another shape");
  for (i = 0; i < 2; ++i)
    for (j = 0; j < 3; ++j)
      memcpy(&me->matrix[i][j],
             (const char*)view.data + view.byte_offset +
                 sizeof(float) * (size_t)(j * view.strides[0] + i * view.strides[1]),
             sizeof(float));
  snprintf(line, sizeof line, "loaded %" PRId64 " by %s: %g %g %g / %g %g %g", me->iterations,
           reader->plugin_version, (double)me->matrix[0][0], (double)me->matrix[0][1],
           (double)me->matrix[0][2], (double)me->matrix[1][0], (double)me->matrix[1][1],
           (double)me->matrix[1][2]);
  log->write(me->host, GRAPNEL_LOG_INFO, line);
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {.struct_size = sizeof(grapnel_hook_vtable),
                                           .create = create,
                                           .destroy = destroy,
                                           .save_state = save_state,
                                           .load_state = load_state,
                                           .after_train_iter = after_train_iter};

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {
    .struct_size = sizeof(grapnel_plugin),
    .abi_major = GRAPNEL_ABI_MAJOR,
    .abi_minor = GRAPNEL_ABI_MINOR,
    .default_priority = GRAPNEL_PRIORITY_NORMAL,
    .type = "OldState",
    .version = "1.0.7",
    .author = "",
    .license = "",
    .summary = "Keeps a state",
    .torch_version = "",
    .vtable = &vtable,
};
GRAPNEL_PLUGIN_NOTE("OldState", "")
