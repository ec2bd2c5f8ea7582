/* The datasets: what they hold, and control over the pipeline that makes batches.
 *
 * A change takes effect at the very next iteration, whatever was prefetched (or at the epoch's first, if
 * made before the epoch). `mode` is GRAPNEL_MODE_TRAIN, _VAL or _TEST, else INVALID_ARGUMENT; a mode without
 * data is NOT_FOUND. Over a resume the training pipeline, its skipped types and the image size are kept.
 */
#ifndef GRAPNEL_SERVICES_DATA_H
#define GRAPNEL_SERVICES_DATA_H

#include <stdint.h>

#include "../host.h"
#include "../status.h"

#define GRAPNEL_SERVICE_DATA "grapnel.data/1"

/* Strings are valid as long as the host. */
typedef struct grapnel_dataset_info {
  uint32_t struct_size;
  int32_t classes_given_as_string; /* 1: the config gives `classes` as one string, not a list */
  int64_t size;                    /* samples */
  uint64_t class_count;            /* 0: the dataset declares no classes */
  int64_t label_min;               /* over all labels; label_min > label_max: there are none */
  int64_t label_max;
  const char *ann_file;   /* "" if the data has none */
  const char *config_key; /* "train_dataloader.dataset" */
} grapnel_dataset_info;

typedef struct grapnel_transform_info {
  uint32_t struct_size;
  int32_t is_skipped;
  const char *type; /* "Mosaic"; valid until the callback returns */
} grapnel_transform_info;

typedef struct grapnel_data_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* What the mode's dataset holds. [train-thread] */
  grapnel_status (*get_info)(const grapnel_host *host, int32_t mode, grapnel_dataset_info *info,
                             grapnel_error *error);
  /* The class's name, NULL if index >= class_count; valid as long as the host. [train-thread] */
  const char *(*class_name)(const grapnel_host *host, int32_t mode, uint64_t index);

  /* The pipeline's transforms, in order. count: 0 without data; get: NOT_FOUND: index >= count.
   * [train-thread] */
  uint64_t (*transform_count)(const grapnel_host *host, int32_t mode);
  grapnel_status (*get_transform)(const grapnel_host *host, int32_t mode, uint64_t index,
                                  grapnel_transform_info *info, grapnel_error *error);
  /* Skips each transform whose type is among `types`, and no other; count 0 skips none. A type that the
   * pipeline hasn't got is no error. [train-thread] */
  grapnel_status (*set_skipped_types)(const grapnel_host *host, int32_t mode, const char *const *types,
                                      uint64_t count, grapnel_error *error);
  /* Replaces the pipeline by a JSON list of transform tables, with the config's keys. INVALID_ARGUMENT: the
   * task refuses it; the old one stays. [train-thread] */
  grapnel_status (*replace_pipeline)(const grapnel_host *host, int32_t mode, const char *json,
                                     grapnel_error *error);
  /* Tells sampler and dataset which epoch begins (0-based) of how many. [train-thread] */
  grapnel_status (*set_epoch)(const grapnel_host *host, int32_t mode, int64_t epoch, int64_t max_epochs,
                              grapnel_error *error);
  /* The size of training batches in pixels; UNSUPPORTED: the task has none.
   * set: each side a positive multiple of 32, else INVALID_ARGUMENT. [train-thread] */
  grapnel_status (*get_image_size)(const grapnel_host *host, int64_t *height_px, int64_t *width_px,
                                   grapnel_error *error);
  grapnel_status (*set_image_size)(const grapnel_host *host, int64_t height_px, int64_t width_px,
                                   grapnel_error *error);
} grapnel_data_service;

#endif
