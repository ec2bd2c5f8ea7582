/* What the plugins of this folder share: a small hook that keeps the whole contract, in parts. Each file
 * takes the parts that it needs and spoils one thing, so that it shows its one defect and nothing else. */
#ifndef GRAPNEL_TESTS_NONCONFORMING_PLAIN_HOOK_H
#define GRAPNEL_TESTS_NONCONFORMING_PLAIN_HOOK_H

#include <grapnel/grapnel.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN __attribute__((unused)) static

typedef struct plain_hook {
  const grapnel_host* host;
  int64_t interval;
  int64_t seen; /* train iterations */
} plain_hook;

/* One sentence, cut to fit. */
PLAIN grapnel_status plain_fail(grapnel_error* error, grapnel_status status, const char* text) {
  size_t size = strlen(text);
  error->code = status;
  if (error->text == NULL || error->capacity == 0) return status;
  if (size >= error->capacity) size = (size_t)error->capacity - 1;
  memcpy(error->text, text, size);
  error->text[size] = '\0';
  return status;
}

PLAIN grapnel_status plain_create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                                  uint64_t value_size, void** self, grapnel_error* error) {
  plain_hook* hook = (plain_hook*)calloc(1, sizeof *hook);
  if (hook == NULL) return plain_fail(error, GRAPNEL_STATUS_INTERNAL, "out of memory");
  hook->host = host;
  hook->interval = count > 0 ? values->integer : 10;
  *self = hook;
  return GRAPNEL_STATUS_OK;
}

PLAIN void plain_destroy(void* self) { free(self); }

/* The heads of the functions that the files spoil. */
#define PLAIN_CREATE(name)                                                                          \
  static grapnel_status name(const grapnel_host* host, const grapnel_value* values, uint64_t count, \
                             uint64_t value_size, void** self, grapnel_error* error)
#define PLAIN_POINT(name) \
  static grapnel_status name(void* self, const grapnel_point_args* args, grapnel_error* error)
#define PLAIN_SAVE(name) \
  static grapnel_status name(void* self, const grapnel_state_writer* writer, grapnel_error* error)
#define PLAIN_LOAD(name) \
  static grapnel_status name(void* self, const grapnel_state_reader* reader, grapnel_error* error)

PLAIN grapnel_status plain_count(void* self, const grapnel_point_args* args, grapnel_error* error) {
  ++((plain_hook*)self)->seen;
  return GRAPNEL_STATUS_OK;
}

/* ---- state: eight bytes ---- */

PLAIN grapnel_status plain_save_state(void* self, const grapnel_state_writer* writer, grapnel_error* error) {
  const plain_hook* hook = (const plain_hook*)self;
  return writer->write(writer->stream, &hook->seen, sizeof hook->seen, error);
}

/* Reads until `size` bytes are there or the state ends. */
PLAIN grapnel_status plain_read_some(const grapnel_state_reader* reader, void* bytes, uint64_t size,
                                     uint64_t* done, grapnel_error* error) {
  *done = 0;
  while (*done < size) {
    uint64_t got = 0;
    const grapnel_status status =
        reader->read(reader->stream, (char*)bytes + *done, size - *done, &got, error);
    if (status != GRAPNEL_STATUS_OK) return status;
    if (got == 0) break;
    *done += got;
  }
  return GRAPNEL_STATUS_OK;
}

PLAIN grapnel_status plain_read(const grapnel_state_reader* reader, void* bytes, uint64_t size,
                                grapnel_error* error) {
  uint64_t done = 0;
  const grapnel_status status = plain_read_some(reader, bytes, size, &done, error);
  if (status != GRAPNEL_STATUS_OK || done == size) return status;
  return plain_fail(error, GRAPNEL_STATUS_FAILED, "the saved state ends early");
}

PLAIN grapnel_status plain_load_state(void* self, const grapnel_state_reader* reader, grapnel_error* error) {
  int64_t seen = 0;
  const grapnel_status status = plain_read(reader, &seen, sizeof seen, error);
  if (status == GRAPNEL_STATUS_OK) ((plain_hook*)self)->seen = seen;
  return status;
}

/* ---- options and export ---- */

#define PLAIN_OPTION(kind, name, default_text, summary, min, max)                                           \
  {                                                                                                         \
    sizeof(grapnel_option), kind, GRAPNEL_OPTION_DEFAULTED, 0, name, summary, default_text, min, max, 0, 0, \
        0, 0                                                                                                \
  }

PLAIN const grapnel_option plain_options[] = {
    PLAIN_OPTION(GRAPNEL_KIND_INT, "interval", "10", "train iterations between two looks", 1, INFINITY)};

/* What begins a vtable, in order; the points follow. */
#define PLAIN_LIFE \
  .struct_size = sizeof(grapnel_hook_vtable), .create = plain_create, .destroy = plain_destroy
#define PLAIN_STATE .save_state = plain_save_state, .load_state = plain_load_state

#define PLAIN_DESCRIPTOR(type_name, table, rows, row_count, torch_version)                                   \
  {                                                                                                          \
    sizeof(grapnel_plugin), GRAPNEL_ABI_MAJOR, GRAPNEL_ABI_MINOR, GRAPNEL_PRIORITY_NORMAL, type_name,        \
        "1.0.0", "The tests", "", "Breaks one rule", torch_version, rows, row_count, sizeof(grapnel_option), \
        &table                                                                                               \
  }

#define PLAIN_PLUGIN_WITH_OPTIONS(type_name, table, rows)                         \
  GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 =                         \
      PLAIN_DESCRIPTOR(type_name, table, rows, sizeof rows / sizeof rows[0], ""); \
  GRAPNEL_PLUGIN_NOTE(type_name, "")

#define PLAIN_PLUGIN(type_name, table) PLAIN_PLUGIN_WITH_OPTIONS(type_name, table, plain_options)

#endif
