/* The hook's vtable: how the host makes an instance, calls it and lets it go.
 *
 * A NULL point is 'not subscribed' and costs nothing. The table only ever grows at its end: a shorter one
 * than the host's is an older plugin, a longer one a newer plugin, and both are fine.
 */
#ifndef GRAPNEL_HOOK_H
#define GRAPNEL_HOOK_H

#include <stdint.h>

#include "host.h"
#include "options.h"
#include "points.h"
#include "state.h"
#include "status.h"

typedef struct grapnel_hook_vtable {
  uint32_t struct_size;
  uint32_t reserved; /* 0 */

  /* Makes an instance, one for each time that the config names the hook. `values` holds `count` values, one
   * an option, in the option table's order; `value_size` bytes apart. `host` lives until destroy returned. On
   * success *self is the instance, the plugin's own (it may be NULL if the hook keeps nothing). Not OK: the
   * run does not start; destroy is not called for this instance. Services answer already, but there is no
   * batch and no weights are loaded. Required. [train-thread] */
  grapnel_status (*create)(const grapnel_host *host, const grapnel_value *values, uint64_t count,
                           uint64_t value_size, void **self, grapnel_error *error);
  /* Frees the instance. Called once for each successful create, in reverse order, also after an error;
   * nothing is called after it. It can't fail and must not throw. Required. [train-thread] */
  void (*destroy)(void *self);

  /* State, for checkpoints; both NULL: the hook has none. save_state must not change the hook: it is called
   * once all hooks of before_save_checkpoint have run, and also where the host only takes a copy, as before a
   * validation that a signal may end. Not OK ends the run. [train-thread] */
  grapnel_status (*save_state)(void *self, const grapnel_state_writer *writer, grapnel_error *error);
  /* Called when a checkpoint is resumed from or evaluated, once the model is loaded, right before the point
   * after_load_checkpoint; not called if the checkpoint holds no state of this hook. A state that cannot be
   * used (cut short, damaged, of a version that is not understood) must be refused with a message: the run
   * then ends before it begins. [train-thread] */
  grapnel_status (*load_state)(void *self, const grapnel_state_reader *reader, grapnel_error *error);

  /* One slot a point, in the order of GRAPNEL_POINT_ (points.h says when each is called). [train-thread] */
  grapnel_point_fn before_run;
  grapnel_point_fn after_run;
  grapnel_point_fn before_train;
  grapnel_point_fn after_train;
  grapnel_point_fn before_train_epoch;
  grapnel_point_fn after_train_epoch;
  grapnel_point_fn before_train_iter;
  grapnel_point_fn after_train_iter;
  grapnel_point_fn before_val;
  grapnel_point_fn after_val;
  grapnel_point_fn before_val_epoch;
  grapnel_point_fn after_val_epoch;
  grapnel_point_fn before_val_iter;
  grapnel_point_fn after_val_iter;
  grapnel_point_fn before_test;
  grapnel_point_fn after_test;
  grapnel_point_fn before_test_epoch;
  grapnel_point_fn after_test_epoch;
  grapnel_point_fn before_test_iter;
  grapnel_point_fn after_test_iter;
  grapnel_point_fn before_save_checkpoint;
  grapnel_point_fn after_load_checkpoint;
  grapnel_point_fn after_save_checkpoint;
  grapnel_point_fn after_backward;
  grapnel_point_fn before_optimizer_step;
  grapnel_point_fn on_exception;
  grapnel_point_fn on_interrupt;
} grapnel_hook_vtable;

#endif
