/* The plugin's descriptor and the one symbol that it exports.
 *
 * A plugin is one shared object with one hook type. It exports one const data object,
 * GRAPNEL_ENTRY_SYMBOL, and carries an ELF note that repeats what a host needs to list or refuse the file
 * without running any of it. In C:
 *
 *   GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = { ... };
 *   GRAPNEL_PLUGIN_NOTE("MyHook", "")
 *
 * All of it is static data of the plugin, which a host never unloads once it is loaded. Loading must run
 * nothing that matters: no output, no threads, no files (constructors of C++ globals run then).
 * A plugin is trusted code: it runs with all the rights of the process that loads it.
 */
#ifndef GRAPNEL_PLUGIN_H
#define GRAPNEL_PLUGIN_H

#include <stdint.h>

#include "hook.h"
#include "options.h"
#include "version.h"

/* Its name carries the ABI major. */
#define GRAPNEL_ENTRY_SYMBOL "grapnel_plugin_v1"

#ifdef __cplusplus
#define GRAPNEL_EXPORT extern "C" __attribute__((visibility("default"), used))
#else
#define GRAPNEL_EXPORT __attribute__((visibility("default"), used))
#endif

/* MMEngine's priorities; a lower number runs earlier. */
enum {
  GRAPNEL_PRIORITY_HIGHEST = 0,
  GRAPNEL_PRIORITY_VERY_HIGH = 10,
  GRAPNEL_PRIORITY_HIGH = 30,
  GRAPNEL_PRIORITY_ABOVE_NORMAL = 40,
  GRAPNEL_PRIORITY_NORMAL = 50,
  GRAPNEL_PRIORITY_BELOW_NORMAL = 60,
  GRAPNEL_PRIORITY_LOW = 70,
  GRAPNEL_PRIORITY_VERY_LOW = 90,
  GRAPNEL_PRIORITY_LOWEST = 100
};

/* The descriptor. No string may be NULL; a host reads as much of the struct as struct_size says. */
typedef struct grapnel_plugin {
  uint32_t struct_size;
  uint32_t abi_major;
  uint32_t abi_minor;       /* the least host minor that this plugin can work with */
  int32_t default_priority; /* 0..100 */
  const char *type;         /* "MemoryProfilerHook": letters, digits, '_', '.'; at most 63 bytes */
  const char *version;      /* of the plugin: "1.2.0" */
  const char *author;       /* "" if unknown */
  const char *license;      /* SPDX id, "" if unknown */
  const char *summary;      /* one line */
  const char *torch_version; /* the LibTorch it was built against ("1.13.0"), "" if it uses none */
  const grapnel_option *options; /* option_count rows, option_size bytes apart */
  uint64_t option_count;
  uint64_t option_size;
  const grapnel_hook_vtable *vtable;
} grapnel_plugin;

/* The ELF note `.note.grapnel`: owner "Grapnel", type 1, and as its description what follows `owner` below. A
 * host refuses a file whose note and descriptor disagree. */
#define GRAPNEL_NOTE_OWNER "Grapnel"
#define GRAPNEL_NOTE_TYPE 1
#define GRAPNEL_NOTE_SECTION ".note.grapnel"

typedef struct grapnel_note {
  uint32_t name_size; /* 8: "Grapnel" and its NUL */
  uint32_t description_size;
  uint32_t note_type;
  char owner[8];
  uint32_t abi_major;
  uint32_t abi_minor;
  char type[64];          /* as in the descriptor, padded with NUL */
  char torch_version[32]; /* the same */
} grapnel_note;

#define GRAPNEL_NOTE_DESCRIPTION_SIZE 104u

#define GRAPNEL_PLUGIN_NOTE(type_name, torch_version_text)                                              \
  __attribute__((section(GRAPNEL_NOTE_SECTION), used, aligned(4))) static const grapnel_note            \
      grapnel_plugin_note = {8u,                                                                        \
                             GRAPNEL_NOTE_DESCRIPTION_SIZE,                                             \
                             GRAPNEL_NOTE_TYPE,                                                         \
                             GRAPNEL_NOTE_OWNER,                                                        \
                             GRAPNEL_ABI_MAJOR,                                                         \
                             GRAPNEL_REQUIRED_ABI_MINOR,                                                \
                             type_name,                                                                 \
                             torch_version_text};

#endif
