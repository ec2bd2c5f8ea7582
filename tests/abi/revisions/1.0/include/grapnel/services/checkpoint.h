/* Named values of the checkpoint being written or read, beside what the runner itself keeps.
 *
 * before_save_checkpoint: set what the file's `meta` shall carry. after_load_checkpoint: read it back.
 * Elsewhere get_info and set_text are UNSUPPORTED and get_text gives NULL; last_path answers everywhere. For
 * a hook's own memory use save_state and load_state instead.
 */
#ifndef GRAPNEL_SERVICES_CHECKPOINT_H
#define GRAPNEL_SERVICES_CHECKPOINT_H

#include <stdint.h>

#include "../host.h"
#include "../status.h"

#define GRAPNEL_SERVICE_CHECKPOINT "grapnel.checkpoint/1"

/* Counters of the file: what a run that resumes from it starts with. Valid until the callback returns. */
typedef struct grapnel_checkpoint_info {
  uint32_t struct_size;
  int32_t is_resume; /* after_load_checkpoint: 1 if the run goes on from it, 0 if only weights are taken */
  const char *path; /* of the file */
  int64_t epoch;    /* finished epochs */
  int64_t iter;     /* finished train iterations */
} grapnel_checkpoint_info;

typedef struct grapnel_checkpoint_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* UNSUPPORTED: not at one of the two points. [train-thread] */
  grapnel_status (*get_info)(const grapnel_host *host, grapnel_checkpoint_info *info, grapnel_error *error);
  /* before_save_checkpoint: meta[key] = text, copied; what stood there is replaced, so begin the key with the
   * hook's type. UNSUPPORTED: another point. [train-thread] */
  grapnel_status (*set_text)(const grapnel_host *host, const char *key, const char *text,
                             grapnel_error *error);
  /* after_load_checkpoint: meta[key]; NULL when absent or no text. before_save_checkpoint: what was set so
   * far. Valid until the callback returns. [train-thread] */
  const char *(*get_text)(const grapnel_host *host, const char *key);
  /* The last file that this run wrote, or resumed from; "" if none. Valid until the callback returns.
   * [train-thread] */
  const char *(*last_path)(const grapnel_host *host);
} grapnel_checkpoint_service;

#endif
