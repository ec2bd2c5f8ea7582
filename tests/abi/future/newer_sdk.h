/* What an SDK of a later minor of this ABI major may look like: today's headers with something appended to
 * each table that may grow. */
#ifndef GRAPNEL_TESTS_NEWER_SDK_H
#define GRAPNEL_TESTS_NEWER_SDK_H

#include <grapnel/grapnel.h>
#include <stdio.h>

enum { NEWER_KIND_DATE = 10, NEWER_PRESENCE_ASKED = 3 };

typedef struct newer_vtable {
  grapnel_hook_vtable known;
  grapnel_point_fn on_pause;
  grapnel_point_fn on_continue;
  grapnel_status (*describe)(void* self, int64_t what, grapnel_error* error);
} newer_vtable;

typedef struct newer_plugin {
  grapnel_plugin known;
  const char* homepage;
  const void* more;
} newer_plugin;

typedef struct newer_option {
  grapnel_option known;
  const char* unit;
  double step;
} newer_option;

typedef struct newer_value {
  grapnel_value known;
  const char* source_file;
  int64_t source_line;
} newer_value;

typedef struct newer_host {
  grapnel_host known;
  const char* cluster;
} newer_host;

typedef struct newer_point_args {
  grapnel_point_args known;
  int64_t world_size;
} newer_point_args;

typedef struct newer_note {
  grapnel_note known;
  char build_id[20];
} newer_note;

/* A note by hand: its ABI version is what each file says, its description may be longer than today's. */
#define NEWER_NOTE(major, minor, type_name)                                                               \
  __attribute__((section(GRAPNEL_NOTE_SECTION), used, aligned(4))) static const newer_note note = {       \
      {8u, sizeof(newer_note) - 20u, GRAPNEL_NOTE_TYPE, GRAPNEL_NOTE_OWNER, major, minor, type_name, ""}, \
      "0123456789abcdef"};

#define NEWER_UNUSED __attribute__((unused))

NEWER_UNUSED static grapnel_status newer_create(const grapnel_host* host, const grapnel_value* values,
                                                uint64_t count, uint64_t value_size, void** self,
                                                grapnel_error* error) {
  (void)host, (void)values, (void)count, (void)value_size, (void)error;
  *self = NULL;
  return GRAPNEL_STATUS_OK;
}
NEWER_UNUSED static void newer_destroy(void* self) { (void)self; }

#endif
