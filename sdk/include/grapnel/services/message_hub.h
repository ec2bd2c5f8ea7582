/* The message hub: scalars with their history, and texts, shared by all hooks of a run.
 *
 * As MMEngine's MessageHub: "train/loss", "train/lr", "val/coco/bbox_mAP" are histories; "epoch", "iter",
 * "max_iters" are texts. Both are saved in checkpoints.
 */
#ifndef GRAPNEL_SERVICES_MESSAGE_HUB_H
#define GRAPNEL_SERVICES_MESSAGE_HUB_H

#include <stdint.h>

#include "../host.h"
#include "../status.h"

#define GRAPNEL_SERVICE_MESSAGE_HUB "grapnel.message_hub/1"

enum {
  GRAPNEL_STATISTIC_CURRENT = 0, /* the last value */
  GRAPNEL_STATISTIC_MEAN = 1,    /* of the updates, each counting once */
  GRAPNEL_STATISTIC_MIN = 2,
  GRAPNEL_STATISTIC_MAX = 3
};

typedef struct grapnel_message_hub_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* Appends to the scalar's history, which its first update begins. NaN and infinity are kept as they are.
   * [train-thread] */
  grapnel_status (*update_scalar)(const grapnel_host *host, const char *key, double value,
                                  grapnel_error *error);
  /* A statistic over the last `window` updates; window 0: all that are kept (the newest 10,000). NOT_FOUND:
   * no such scalar; INVALID_ARGUMENT: no such statistic. [train-thread] */
  grapnel_status (*get_scalar)(const grapnel_host *host, const char *key, int32_t statistic, uint64_t window,
                               double *value, grapnel_error *error);
  /* Scalars in the order of their first update. NULL: index >= count. Valid until the callback returns.
   * [train-thread] */
  uint64_t (*scalar_count)(const grapnel_host *host);
  const char *(*scalar_key)(const grapnel_host *host, uint64_t index);
  /* Updates that the scalar ever got; 0: no such scalar. [train-thread] */
  uint64_t (*update_count)(const grapnel_host *host, const char *key);

  /* A text under a key; set copies and replaces. get: NULL when absent, valid until the callback returns.
   * [train-thread] */
  grapnel_status (*set_text)(const grapnel_host *host, const char *key, const char *text,
                             grapnel_error *error);
  const char *(*get_text)(const grapnel_host *host, const char *key);
} grapnel_message_hub_service;

#endif
