/* Subscribes to every point of revision 1.0 and logs what each is told. */
#include <grapnel/grapnel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct all_points {
  const grapnel_host* host;
  const grapnel_log_service* log;
} all_points;

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  all_points* made = malloc(sizeof *made);
  (void)values, (void)count, (void)value_size, (void)error;
  if (made == NULL) return GRAPNEL_STATUS_INTERNAL;
  made->host = host;
  made->log = host->get_service(host, GRAPNEL_SERVICE_LOG);
  *self = made;
  return GRAPNEL_STATUS_OK;
}

static void destroy(void* self) {
  all_points* me = self;
  me->log->write(me->host, GRAPNEL_LOG_INFO, "destroy");
  free(me);
}

static grapnel_status tell(void* self, const char* name, int32_t point, const grapnel_point_args* args,
                           grapnel_error* error) {
  all_points* me = self;
  char line[256];
  if (args->struct_size < sizeof(grapnel_point_args) || args->point != point) {
    snprintf(error->text, error->capacity, "%s was told that it is point %d", name, (int)args->point);
    return error->code = GRAPNEL_STATUS_FAILED;
  }
  snprintf(line, sizeof line,
           "%s mode %d by_epoch %d epoch %" PRId64 " iter %" PRId64 " batch %" PRId64 " of %" PRId64
           " max %" PRId64 " %" PRId64 " checkpoint %s message %s",
           name, (int)args->mode, (int)args->by_epoch, args->epoch, args->iter, args->batch_idx,
           args->epoch_length, args->max_epochs, args->max_iters,
           args->checkpoint_path ? args->checkpoint_path : "-", args->message ? args->message : "-");
  me->log->write(me->host, GRAPNEL_LOG_INFO, line);
  return GRAPNEL_STATUS_OK;
}

#define EVERY_POINT(DO)                              \
  DO(before_run, BEFORE_RUN)                         \
  DO(after_run, AFTER_RUN)                           \
  DO(before_train, BEFORE_TRAIN)                     \
  DO(after_train, AFTER_TRAIN)                       \
  DO(before_train_epoch, BEFORE_TRAIN_EPOCH)         \
  DO(after_train_epoch, AFTER_TRAIN_EPOCH)           \
  DO(before_train_iter, BEFORE_TRAIN_ITER)           \
  DO(after_train_iter, AFTER_TRAIN_ITER)             \
  DO(before_val, BEFORE_VAL)                         \
  DO(after_val, AFTER_VAL)                           \
  DO(before_val_epoch, BEFORE_VAL_EPOCH)             \
  DO(after_val_epoch, AFTER_VAL_EPOCH)               \
  DO(before_val_iter, BEFORE_VAL_ITER)               \
  DO(after_val_iter, AFTER_VAL_ITER)                 \
  DO(before_test, BEFORE_TEST)                       \
  DO(after_test, AFTER_TEST)                         \
  DO(before_test_epoch, BEFORE_TEST_EPOCH)           \
  DO(after_test_epoch, AFTER_TEST_EPOCH)             \
  DO(before_test_iter, BEFORE_TEST_ITER)             \
  DO(after_test_iter, AFTER_TEST_ITER)               \
  DO(before_save_checkpoint, BEFORE_SAVE_CHECKPOINT) \
  DO(after_load_checkpoint, AFTER_LOAD_CHECKPOINT)   \
  DO(after_save_checkpoint, AFTER_SAVE_CHECKPOINT)   \
  DO(after_backward, AFTER_BACKWARD)                 \
  DO(before_optimizer_step, BEFORE_OPTIMIZER_STEP)   \
  DO(on_exception, ON_EXCEPTION)                     \
  DO(on_interrupt, ON_INTERRUPT)

#define DEFINE(name, NAME)                                                                       \
  static grapnel_status name(void* self, const grapnel_point_args* args, grapnel_error* error) { \
    return tell(self, #name, GRAPNEL_POINT_##NAME, args, error);                                 \
  }
EVERY_POINT(DEFINE)

#define SLOT(name, NAME) .name = name,
static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = destroy, EVERY_POINT(SLOT)};

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {
    .struct_size = sizeof(grapnel_plugin),
    .abi_major = GRAPNEL_ABI_MAJOR,
    .abi_minor = GRAPNEL_ABI_MINOR,
    .default_priority = GRAPNEL_PRIORITY_VERY_LOW,
    .type = "OldAllPoints",
    .version = "1.0.0",
    .author = "A stranger",
    .license = "MIT",
    .summary = "Logs every point",
    .torch_version = "",
    .vtable = &vtable,
};
GRAPNEL_PLUGIN_NOTE("OldAllPoints", "")
