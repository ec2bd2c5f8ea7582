/* What a step got and gave: the batch, the losses, the predictions, the metrics.
 *
 * BATCH   before_/after_ {train,val,test}_iter, after_backward, before_optimizer_step: tensors, the first is
 *         "inputs"
 * OUTPUTS after_train_iter, after_backward, before_optimizer_step: 0-d float tensors, first "loss" (total),
 *         then its parts; before_save_checkpoint: those of the last train iteration, if there was one;
 *         after_{val,test}_iter: the task's predictions
 * METRICS after_{val,test}_epoch, and until the next evaluation's replace them (over a resume too): scalars
 * The points around a checkpoint and on_exception see besides what the point that they interrupt sees.
 * Anywhere else a group is empty. Which tensors a batch and the predictions have, their shapes and units, is
 * the task's. Views are read-only, except BATCH at before_train_iter.
 */
#ifndef GRAPNEL_SERVICES_VALUES_H
#define GRAPNEL_SERVICES_VALUES_H

#include <stdint.h>

#include "../host.h"
#include "../status.h"
#include "../tensor.h"

#define GRAPNEL_SERVICE_VALUES "grapnel.values/1"

enum { GRAPNEL_VALUES_BATCH = 0, GRAPNEL_VALUES_OUTPUTS = 1, GRAPNEL_VALUES_METRICS = 2 };

/* Name and content of one value; valid until the callback returns. */
typedef struct grapnel_named_value {
  uint32_t struct_size;
  int32_t is_tensor; /* 1: tensor is filled; 0: number is */
  const char *name;
  double number;
  grapnel_tensor tensor;
} grapnel_named_value;

typedef struct grapnel_values_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* Values in the group at this point; 0 for an unknown group. [train-thread] */
  uint64_t (*count)(const grapnel_host *host, int32_t group);
  /* NOT_FOUND: index >= count; INVALID_ARGUMENT: an unknown group. [train-thread] */
  grapnel_status (*get)(const grapnel_host *host, int32_t group, uint64_t index, grapnel_named_value *value,
                        grapnel_error *error);
  /* The value as a number: METRICS, or a tensor of one element (this waits for the device).
   * NOT_FOUND: no such name; INVALID_ARGUMENT: more than one element. [train-thread] */
  grapnel_status (*get_number)(const grapnel_host *host, int32_t group, const char *name, double *number,
                               grapnel_error *error);
} grapnel_values_service;

#endif
