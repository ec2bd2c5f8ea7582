/* The lifecycle points and what each is told.
 *
 * Names, order and counters are MMEngine's; the last five are Grapnel's own. All points run on the training
 * thread. In one train iteration before_train_iter and after_train_iter see the same iter; after_train_epoch
 * still sees the old epoch; validation sees the number of finished epochs. At one point hooks run in
 * ascending priority number, ties in the config's order. What may be read, changed and requested at each
 * point is said where the service says it, and in one table in the author's guide.
 */
#ifndef GRAPNEL_POINTS_H
#define GRAPNEL_POINTS_H

#include <stdint.h>

#include "status.h"

enum {
  GRAPNEL_POINT_BEFORE_RUN = 0, /* the first of every run: no weights are loaded yet */
  GRAPNEL_POINT_AFTER_RUN = 1,  /* the last, also after an error or a signal */
  GRAPNEL_POINT_BEFORE_TRAIN = 2,       /* weights and, at a resume, counters are there */
  GRAPNEL_POINT_AFTER_TRAIN = 3,        /* training came to its end or was asked to stop */
  GRAPNEL_POINT_BEFORE_TRAIN_EPOCH = 4, /* IterBased: once, around all iterations */
  GRAPNEL_POINT_AFTER_TRAIN_EPOCH = 5,  /* before the validation of this epoch */
  GRAPNEL_POINT_BEFORE_TRAIN_ITER = 6,  /* the batch is made, nothing is computed from it */
  GRAPNEL_POINT_AFTER_TRAIN_ITER = 7,   /* forward, backward and, if due, the step are over */
  GRAPNEL_POINT_BEFORE_VAL = 8,         /* a validation begins: between epochs or iterations, or alone */
  GRAPNEL_POINT_AFTER_VAL = 9,
  GRAPNEL_POINT_BEFORE_VAL_EPOCH = 10,  /* right after before_val; the model is not in evaluation mode yet */
  GRAPNEL_POINT_AFTER_VAL_EPOCH = 11,   /* the metrics are there */
  GRAPNEL_POINT_BEFORE_VAL_ITER = 12,
  GRAPNEL_POINT_AFTER_VAL_ITER = 13,    /* the batch's predictions are there */
  GRAPNEL_POINT_BEFORE_TEST = 14, /* the six of a test: as those of a validation */
  GRAPNEL_POINT_AFTER_TEST = 15,
  GRAPNEL_POINT_BEFORE_TEST_EPOCH = 16,
  GRAPNEL_POINT_AFTER_TEST_EPOCH = 17,
  GRAPNEL_POINT_BEFORE_TEST_ITER = 18,
  GRAPNEL_POINT_AFTER_TEST_ITER = 19,
  GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT = 20,  /* states are captured when all hooks of it have run */
  GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT = 21,   /* weights and states are loaded, counters are still 0 */
  GRAPNEL_POINT_AFTER_SAVE_CHECKPOINT = 22,   /* also when the write failed or was vetoed */
  GRAPNEL_POINT_AFTER_BACKWARD = 23,          /* after each batch's backward pass */
  GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP = 24,   /* before each update, thus not for accumulating batches */
  GRAPNEL_POINT_ON_EXCEPTION = 25,            /* an error ends the run; after_run follows */
  GRAPNEL_POINT_ON_INTERRUPT = 26,            /* a signal ends the run; in training a checkpoint follows */
  GRAPNEL_POINT_COUNT = 27 /* of this minor: grows */
};

/* NONE: no loop runs, as at before_run, after_load_checkpoint and after_run. */
enum { GRAPNEL_MODE_NONE = 0, GRAPNEL_MODE_TRAIN = 1, GRAPNEL_MODE_VAL = 2, GRAPNEL_MODE_TEST = 3 };

/* What every point is told; the host's own, read-only, valid until the callback returns. A newer host's
 * struct may be longer. */
typedef struct grapnel_point_args {
  uint32_t struct_size;
  int32_t point;      /* GRAPNEL_POINT_ */
  int32_t mode;       /* GRAPNEL_MODE_: the loop that is running */
  int32_t by_epoch;   /* 1: EpochBasedTrainLoop (or no train loop), 0: IterBasedTrainLoop */
  int64_t epoch;      /* finished epochs, 0-based count; IterBased: 0 for ever */
  int64_t iter;       /* finished train iterations */
  int64_t batch_idx;  /* batch within the epoch (IterBased: iter); -1 outside an iteration and at the points
                         around a checkpoint; on_exception: that of the failed point */
  int64_t max_epochs; /* IterBased: 1; no train loop: 0 */
  int64_t max_iters;  /* train iterations of the whole run; no train loop: 0 */
  int64_t epoch_length;        /* batches an epoch of the loop that is running; 0: none */
  const char *checkpoint_path; /* before/after_save_checkpoint, after_load_checkpoint; else NULL */
  const char *message;         /* on_exception: the error; on_interrupt: "SIGINT", "SIGTERM"; else NULL */
} grapnel_point_args;

/* One callback: `self` is what create gave. Not OK ends the run (or disables the hook, if its config says
 * on_error = "disable"), with the text of `error`, which is never NULL. Must not throw or unwind into the
 * host. [train-thread] */
typedef grapnel_status (*grapnel_point_fn)(void *self, const grapnel_point_args *args, grapnel_error *error);

#endif
