/* A hook's options: declared in a table, checked by the host against the config, delivered typed.
 *
 * A hook never sees TOML. Defaults are written as text ("50", "[14, 26]", "\"auto\"", "{}") in the config's
 * own notation, so that a table reads like the config it describes and tools can show it.
 */
#ifndef GRAPNEL_OPTIONS_H
#define GRAPNEL_OPTIONS_H

#include <stdint.h>

enum {
  GRAPNEL_KIND_NONE = 0,
  GRAPNEL_KIND_BOOL = 1,        /* integer: 0 or 1 */
  GRAPNEL_KIND_INT = 2,         /* integer */
  GRAPNEL_KIND_FLOAT = 3,       /* number; an integer in the config counts */
  GRAPNEL_KIND_STRING = 4,      /* text */
  GRAPNEL_KIND_BOOL_LIST = 5,   /* integers[count] */
  GRAPNEL_KIND_INT_LIST = 6,    /* integers[count] */
  GRAPNEL_KIND_FLOAT_LIST = 7,  /* numbers[count] */
  GRAPNEL_KIND_STRING_LIST = 8, /* texts[count] */
  GRAPNEL_KIND_TREE = 9         /* text: any value, nested tables and lists too, as JSON (RFC 8259) */
};

enum {
  GRAPNEL_OPTION_DEFAULTED = 0, /* absent: default_text */
  GRAPNEL_OPTION_REQUIRED = 1,  /* absent: refused */
  GRAPNEL_OPTION_OPTIONAL = 2   /* absent: delivered with is_set 0 */
};

/* One row of a plugin's option table; static data, the plugin's own. A host that finds a row wrong (an
 * unknown kind, a default outside the range, a name twice) refuses the plugin. */
typedef struct grapnel_option {
  uint32_t struct_size;
  int32_t kind;     /* GRAPNEL_KIND_ */
  int32_t presence; /* GRAPNEL_OPTION_ */
  int32_t reserved; /* 0 */
  const char *name;         /* letters, digits, '_'; at most 63 bytes; not type, priority, on_error, state_key
                               or sha256, which the config keeps for itself */
  const char *summary;      /* one line: meaning and unit */
  const char *default_text; /* NULL unless presence is DEFAULTED */
  double min;               /* inclusive; numbers and the items of lists; -INFINITY: no bound */
  double max;               /* inclusive; +INFINITY: no bound */
  const char *const *choices; /* strings and the items of string lists; NULL: any */
  uint64_t choice_count;
  uint64_t min_items; /* lists */
  uint64_t max_items; /* lists; 0: any number */
} grapnel_option;

/* One checked value: which field holds it, GRAPNEL_KIND_ says; the others are 0 or NULL. Pointers are the
 * host's, valid until create returns: copy what you keep. A list of no items may have a NULL pointer. */
typedef struct grapnel_value {
  uint32_t struct_size;
  int32_t kind;     /* GRAPNEL_KIND_, as the table's row says */
  const char *name;
  int64_t is_set;   /* 0: an OPTIONAL option that the config leaves out; 1 otherwise */
  int64_t integer;
  double number;
  const char *text;
  const int64_t *integers;
  const double *numbers;
  const char *const *texts;
  uint64_t count; /* items of a list */
} grapnel_value;

#endif
