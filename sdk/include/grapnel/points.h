/* The lifecycle points and what each is told.
 *
 * Names, order and counters are MMEngine's; the last five are Grapnel's own. All points run on the training
 * thread. In one train iteration before_train_iter and after_train_iter see the same iter; after_train_epoch
 * still sees the old epoch; validation sees the number of finished epochs.
 */
#ifndef GRAPNEL_POINTS_H
#define GRAPNEL_POINTS_H

#include <stdint.h>

#include "status.h"

enum {
  GRAPNEL_POINT_BEFORE_RUN = 0,
  GRAPNEL_POINT_AFTER_RUN = 1,
  GRAPNEL_POINT_BEFORE_TRAIN = 2,
  GRAPNEL_POINT_AFTER_TRAIN = 3,
  GRAPNEL_POINT_BEFORE_TRAIN_EPOCH = 4,
  GRAPNEL_POINT_AFTER_TRAIN_EPOCH = 5,
  GRAPNEL_POINT_BEFORE_TRAIN_ITER = 6,
  GRAPNEL_POINT_AFTER_TRAIN_ITER = 7,
  GRAPNEL_POINT_BEFORE_VAL = 8,
  GRAPNEL_POINT_AFTER_VAL = 9,
  GRAPNEL_POINT_BEFORE_VAL_EPOCH = 10,
  GRAPNEL_POINT_AFTER_VAL_EPOCH = 11,
  GRAPNEL_POINT_BEFORE_VAL_ITER = 12,
  GRAPNEL_POINT_AFTER_VAL_ITER = 13,
  GRAPNEL_POINT_BEFORE_TEST = 14,
  GRAPNEL_POINT_AFTER_TEST = 15,
  GRAPNEL_POINT_BEFORE_TEST_EPOCH = 16,
  GRAPNEL_POINT_AFTER_TEST_EPOCH = 17,
  GRAPNEL_POINT_BEFORE_TEST_ITER = 18,
  GRAPNEL_POINT_AFTER_TEST_ITER = 19,
  GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT = 20,
  GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT = 21,
  GRAPNEL_POINT_AFTER_SAVE_CHECKPOINT = 22,
  GRAPNEL_POINT_AFTER_BACKWARD = 23,
  GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP = 24,
  GRAPNEL_POINT_ON_EXCEPTION = 25,
  GRAPNEL_POINT_ON_INTERRUPT = 26,
  GRAPNEL_POINT_COUNT = 27 /* of this minor: grows */
};

enum { GRAPNEL_MODE_NONE = 0, GRAPNEL_MODE_TRAIN = 1, GRAPNEL_MODE_VAL = 2, GRAPNEL_MODE_TEST = 3 };

/* What every point is told. Valid until the callback returns. */
typedef struct grapnel_point_args {
  uint32_t struct_size;
  int32_t point;
  int32_t mode;       /* GRAPNEL_MODE_: the loop that is running */
  int32_t by_epoch;   /* 1: EpochBasedTrainLoop (or no train loop), 0: IterBasedTrainLoop */
  int64_t epoch;      /* finished epochs, 0-based count; IterBased: 0 for ever */
  int64_t iter;       /* finished train iterations */
  int64_t batch_idx;  /* batch within the epoch (IterBased: iter); -1 outside an iteration */
  int64_t max_epochs; /* IterBased: 1; no train loop: 0 */
  int64_t max_iters;
  int64_t epoch_length;        /* batches an epoch of the loop that is running; 0: none */
  const char *checkpoint_path; /* before/after_save_checkpoint, after_load_checkpoint; else NULL */
  const char *message;         /* on_exception: the error; on_interrupt: "SIGINT", "SIGTERM"; else NULL */
} grapnel_point_args;

/* One callback. Not OK ends the run (or disables the hook, if its config says on_error = "disable").
 * [train-thread] */
typedef grapnel_status (*grapnel_point_fn)(void *self, const grapnel_point_args *args, grapnel_error *error);

#endif
