/* The run: where it stands, where it writes, and what a hook may ask of it.
 *
 * Control is not an error. A request is noted and agreed over all ranks before it takes effect, when all
 * hooks of the point have run; none of these calls interrupts the caller. A request that its point does not
 * allow is refused with INVALID_ARGUMENT.
 */
#ifndef GRAPNEL_SERVICES_RUNNER_H
#define GRAPNEL_SERVICES_RUNNER_H

#include <stdint.h>

#include "../host.h"
#include "../status.h"

#define GRAPNEL_SERVICE_RUNNER "grapnel.runner/1"

/* Snapshot of the counters, as a point's args show them; for use between two points. */
typedef struct grapnel_run_state {
  uint32_t struct_size;
  int32_t mode;     /* GRAPNEL_MODE_ */
  int32_t by_epoch; /* as in grapnel_point_args */
  int32_t is_resumed; /* 1: this run goes on from a checkpoint's counters */
  int64_t epoch;
  int64_t iter;
  int64_t batch_idx;
  int64_t max_epochs;
  int64_t max_iters;
  int64_t train_epoch_length; /* batches in one train epoch; 0: no train loop */
  int64_t val_epoch_length;
  int64_t test_epoch_length;
  int64_t accumulative_counts; /* batches that one optimiser step covers */
  int64_t val_interval;        /* 0: no validation */
  uint64_t seed;
} grapnel_run_state;

typedef struct grapnel_runner_service {
  uint32_t struct_size;
  uint32_t reserved;

  /* Fills at most state->struct_size bytes; the caller sets struct_size. [train-thread] */
  void (*get_state)(const grapnel_host *host, grapnel_run_state *state);
  /* Absolute folder of the run; exists. Valid as long as the host. [any-thread] */
  const char *(*work_dir)(const grapnel_host *host);
  /* work_dir/TIMESTAMP: this start's own logs; exists. Valid as long as the host. [any-thread] */
  const char *(*log_dir)(const grapnel_host *host);
  /* The resolved config as JSON; valid as long as the host. [any-thread] */
  const char *(*config_json)(const grapnel_host *host);
  /* A table of the last evaluation for people (AP a class), "" if there is none; valid until the callback
   * returns. [train-thread] */
  const char *(*evaluation_table)(const grapnel_host *host);

  /* Any point: ends training as MMEngine's stop_training: EpochBased finishes the epoch and its validation,
   * IterBased the iteration. The reason is logged. Without training it changes nothing. [train-thread] */
  grapnel_status (*request_stop)(const grapnel_host *host, const char *reason, grapnel_error *error);
  /* Any point: runs one validation as soon as the current iteration (or epoch) is over, or the next one if
   * none runs; at after_train and later none follows. UNSUPPORTED: no validation data or no training.
   * [train-thread] */
  grapnel_status (*request_validation)(const grapnel_host *host, grapnel_error *error);
  /* Writes a full checkpoint work_dir/file_name when all hooks of this point have run; counters in it are
   * those after the point (after_train_iter: iter + 1; after_train_epoch: epoch + 1). Allowed at
   * after_train_iter, after_train_epoch, after_val_epoch, after_val, after_train and on_interrupt (there
   * instead of the file that the host would write by itself). INVALID_ARGUMENT: a name with '/', another
   * point, or a run without training. [train-thread] */
  grapnel_status (*request_save)(const grapnel_host *host, const char *file_name, grapnel_error *error);
  /* after_backward, before_optimizer_step: drops this step's gradients, those of its accumulated batches too,
   * without an update. The reason is logged. [train-thread] */
  grapnel_status (*request_skip_step)(const grapnel_host *host, const char *reason, grapnel_error *error);
  /* before_save_checkpoint: this checkpoint is not written; the reason is logged. [train-thread] */
  grapnel_status (*veto_checkpoint)(const grapnel_host *host, const char *reason, grapnel_error *error);
} grapnel_runner_service;

#endif
