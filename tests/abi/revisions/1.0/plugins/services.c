/* Uses every function of every service of revision 1.0, at the points where the contract allows it, and logs
 * what comes back. A call that does not do what the contract says ends the run with its name. */
#include <grapnel/grapnel.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct services {
  const grapnel_host* host;
  const grapnel_log_service* log;
  const grapnel_runner_service* runner;
  const grapnel_values_service* values;
  const grapnel_model_service* model;
  const grapnel_optimizer_service* optimizer;
  const grapnel_data_service* data;
  const grapnel_collectives_service* collectives;
  const grapnel_message_hub_service* hub;
  const grapnel_checkpoint_service* checkpoint;
} services;

static void say(const services* me, const char* format, ...) {
  char line[512];
  va_list list;
  va_start(list, format);
  vsnprintf(line, sizeof line, format, list);
  va_end(list);
  me->log->write(me->host, GRAPNEL_LOG_INFO, line);
}

/* Ends the callback with the call's own words. */
#define MUST(call)                                            \
  do {                                                        \
    const grapnel_status must_status = (call);                \
    if (must_status != GRAPNEL_STATUS_OK) return must_status; \
  } while (0)
#define HOLDS(condition)                                                                   \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      snprintf(error->text, error->capacity, "line %d: not so: %s", __LINE__, #condition); \
      return error->code = GRAPNEL_STATUS_FAILED;                                          \
    }                                                                                      \
  } while (0)

static grapnel_status create(const grapnel_host* host, const grapnel_value* values, uint64_t count,
                             uint64_t value_size, void** self, grapnel_error* error) {
  services* me = calloc(1, sizeof *me);
  (void)values, (void)count, (void)value_size;
  if (me == NULL) return GRAPNEL_STATUS_INTERNAL;
  *self = me;
  me->host = host;
  me->log = host->get_service(host, GRAPNEL_SERVICE_LOG);
  me->runner = host->get_service(host, GRAPNEL_SERVICE_RUNNER);
  me->values = host->get_service(host, GRAPNEL_SERVICE_VALUES);
  me->model = host->get_service(host, GRAPNEL_SERVICE_MODEL);
  me->optimizer = host->get_service(host, GRAPNEL_SERVICE_OPTIMIZER);
  me->data = host->get_service(host, GRAPNEL_SERVICE_DATA);
  me->collectives = host->get_service(host, GRAPNEL_SERVICE_COLLECTIVES);
  me->hub = host->get_service(host, GRAPNEL_SERVICE_MESSAGE_HUB);
  me->checkpoint = host->get_service(host, GRAPNEL_SERVICE_CHECKPOINT);
  HOLDS(me->log && me->runner && me->values && me->model && me->optimizer && me->data && me->collectives &&
        me->hub && me->checkpoint);
  HOLDS(host->get_service(host, "grapnel.coffee/1") == NULL);
  HOLDS(me->log->struct_size >= sizeof *me->log && me->runner->struct_size >= sizeof *me->runner);
  HOLDS(host->struct_size >= sizeof(grapnel_host));
  say(me, "created as %s in %s", host->instance_key, host->name);
  return GRAPNEL_STATUS_OK;
}

static void destroy(void* self) { free(self); }

static grapnel_status look_at_model(services* me, grapnel_error* error) {
  uint64_t i, j, attributes = 0;
  const uint64_t modules = me->model->module_count(me->host);
  const uint64_t parameters = me->model->count(me->host, GRAPNEL_MODEL_PARAMETERS);
  for (i = 0; i < modules; ++i) {
    grapnel_module module = {.struct_size = sizeof module};
    MUST(me->model->get_module(me->host, i, &module, error));
    HOLDS(module.name != NULL && module.type != NULL);
    for (j = 0; j < module.attribute_count; ++j) {
      grapnel_value value = {.struct_size = sizeof value};
      MUST(me->model->get_attribute(me->host, i, j, &value, error));
      say(me, "attribute %s.%s of kind %d", module.name, value.name, (int)value.kind);
      ++attributes;
      if (value.kind == GRAPNEL_KIND_FLOAT) {
        value.number = 2.0;
        MUST(me->model->set_attribute(me->host, i, &value, error));
        MUST(me->model->get_attribute(me->host, i, j, &value, error));
        HOLDS(value.number == 2.0);
      }
    }
  }
  for (i = 0; i < parameters; ++i) {
    grapnel_model_entry entry = {.struct_size = sizeof entry};
    MUST(me->model->get(me->host, GRAPNEL_MODEL_PARAMETERS, i, &entry, error));
    HOLDS(entry.tensor.data != NULL && entry.module_index < modules && entry.tensor.ndim >= 0);
  }
  {
    grapnel_model_entry entry = {.struct_size = sizeof entry};
    HOLDS(me->model->get(me->host, GRAPNEL_MODEL_PARAMETERS, parameters, &entry, error) ==
          GRAPNEL_STATUS_NOT_FOUND);
  }
  MUST(me->model->set_epoch(me->host, 0, 2, error));
  say(me, "model: %" PRIu64 " modules, %" PRIu64 " attributes, %" PRIu64 " parameters, %" PRIu64 " buffers",
      modules, attributes, parameters, me->model->count(me->host, GRAPNEL_MODEL_BUFFERS));
  return GRAPNEL_STATUS_OK;
}

static grapnel_status look_at_data(services* me, grapnel_error* error) {
  grapnel_dataset_info info = {.struct_size = sizeof info};
  const uint64_t transforms = me->data->transform_count(me->host, GRAPNEL_MODE_TRAIN);
  int64_t height = 0, width = 0;
  uint64_t i;
  MUST(me->data->get_info(me->host, GRAPNEL_MODE_TRAIN, &info, error));
  HOLDS(info.config_key != NULL && info.ann_file != NULL);
  say(me, "data: %" PRId64 " samples of %s, class 0 is %s", info.size, info.config_key,
      info.class_count > 0 ? me->data->class_name(me->host, GRAPNEL_MODE_TRAIN, 0) : "-");
  HOLDS(me->data->class_name(me->host, GRAPNEL_MODE_TRAIN, info.class_count) == NULL);
  for (i = 0; i < transforms; ++i) {
    grapnel_transform_info transform = {.struct_size = sizeof transform};
    const char* skipped;
    MUST(me->data->get_transform(me->host, GRAPNEL_MODE_TRAIN, i, &transform, error));
    skipped = transform.type;
    MUST(me->data->set_skipped_types(me->host, GRAPNEL_MODE_TRAIN, &skipped, 1, error));
    MUST(me->data->get_transform(me->host, GRAPNEL_MODE_TRAIN, i, &transform, error));
    say(me, "transform %s %s", transform.type, transform.is_skipped ? "skipped" : "kept");
  }
  MUST(me->data->set_skipped_types(me->host, GRAPNEL_MODE_TRAIN, NULL, 0, error));
  MUST(me->data->replace_pipeline(me->host, GRAPNEL_MODE_TRAIN, "[{\"type\": \"Turn\"}]", error));
  HOLDS(me->data->transform_count(me->host, GRAPNEL_MODE_TRAIN) == 1);
  MUST(me->data->set_epoch(me->host, GRAPNEL_MODE_TRAIN, 0, 2, error));
  MUST(me->data->get_image_size(me->host, &height, &width, error));
  MUST(me->data->set_image_size(me->host, 2 * height, 2 * width, error));
  say(me, "image size was %" PRId64 " x %" PRId64, height, width);
  return GRAPNEL_STATUS_OK;
}

static grapnel_status before_run(void* self, const grapnel_point_args* args, grapnel_error* error) {
  services* me = self;
  (void)args;
  HOLDS(me->runner->work_dir(me->host)[0] == '/');
  HOLDS(strncmp(me->runner->log_dir(me->host), me->runner->work_dir(me->host),
                strlen(me->runner->work_dir(me->host))) == 0);
  HOLDS(me->runner->config_json(me->host)[0] == '{');
  HOLDS(me->log->is_enabled(me->host, GRAPNEL_LOG_ERROR) == 1);
  return GRAPNEL_STATUS_OK;
}

static grapnel_status before_train(void* self, const grapnel_point_args* args, grapnel_error* error) {
  services* me = self;
  grapnel_run_state state = {.struct_size = sizeof state};
  (void)args;
  me->runner->get_state(me->host, &state);
  say(me, "run: mode %d max_epochs %" PRId64 " epoch length %" PRId64 " seed %" PRIu64 " resumed %d",
      (int)state.mode, state.max_epochs, state.train_epoch_length, state.seed, (int)state.is_resumed);
  MUST(look_at_model(me, error));
  return look_at_data(me, error);
}

static grapnel_status use_optimizer(services* me, grapnel_error* error) {
  const uint64_t groups = me->optimizer->group_count(me->host);
  uint64_t i;
  for (i = 0; i < groups; ++i) {
    grapnel_param_group group = {.struct_size = sizeof group};
    MUST(me->optimizer->get_group(me->host, i, &group, error));
    MUST(me->optimizer->set_lr(me->host, i, group.lr / 2, error));
    if (group.has_momentum) MUST(me->optimizer->set_momentum(me->host, i, 0.5, error));
    MUST(me->optimizer->set_weight_decay(me->host, i, 0.0, error));
    MUST(me->optimizer->get_group(me->host, i, &group, error));
    HOLDS(group.weight_decay == 0.0 && group.name != NULL && (!group.has_momentum || group.momentum == 0.5));
    say(me, "group %" PRIu64 ": lr %g of %g", i, group.lr, group.initial_lr);
  }
  HOLDS(groups > 0 && me->optimizer->set_lr(me->host, 0, -1, error) == GRAPNEL_STATUS_INVALID_ARGUMENT);
  return GRAPNEL_STATUS_OK;
}

static grapnel_status use_collectives(services* me, grapnel_error* error) {
  double numbers[3] = {1, 2, 3};
  int64_t shape[1] = {3}, strides[1] = {1};
  grapnel_tensor tensor = {numbers, {GRAPNEL_DEVICE_CPU, 0}, 1, {GRAPNEL_DTYPE_FLOAT, 64, 1}, shape, strides,
                           0};
  MUST(me->collectives->all_reduce(me->host, &tensor, GRAPNEL_REDUCE_SUM, error));
  MUST(me->collectives->broadcast(me->host, &tensor, 0, error));
  MUST(me->collectives->barrier(me->host, error));
  say(me, "rank %d of %d, here %d: sum %g", (int)me->collectives->rank(me->host),
      (int)me->collectives->world_size(me->host), (int)me->collectives->local_rank(me->host),
      numbers[0] + numbers[1] + numbers[2]);
  return GRAPNEL_STATUS_OK;
}

static grapnel_status use_message_hub(services* me, grapnel_error* error) {
  double mean = 0;
  uint64_t i, found = 0;
  MUST(me->hub->update_scalar(me->host, "old/scalar", 1.0, error));
  MUST(me->hub->update_scalar(me->host, "old/scalar", 2.0, error));
  MUST(me->hub->get_scalar(me->host, "old/scalar", GRAPNEL_STATISTIC_MEAN, 0, &mean, error));
  for (i = 0; i < me->hub->scalar_count(me->host); ++i)
    if (strcmp(me->hub->scalar_key(me->host, i), "old/scalar") == 0) ++found;
  HOLDS(mean == 1.5 && found == 1 && me->hub->update_count(me->host, "old/scalar") == 2);
  HOLDS(me->hub->scalar_key(me->host, i) == NULL);
  MUST(me->hub->set_text(me->host, "old/text", "hello", error));
  HOLDS(strcmp(me->hub->get_text(me->host, "old/text"), "hello") == 0);
  HOLDS(me->hub->get_text(me->host, "old/no such text") == NULL);
  say(me, "message hub: mean %g", mean);
  return GRAPNEL_STATUS_OK;
}

static grapnel_status before_train_iter(void* self, const grapnel_point_args* args, grapnel_error* error) {
  services* me = self;
  grapnel_named_value value = {.struct_size = sizeof value};
  if (args->iter != 0) return GRAPNEL_STATUS_OK;
  HOLDS(me->values->count(me->host, GRAPNEL_VALUES_BATCH) > 0);
  MUST(me->values->get(me->host, GRAPNEL_VALUES_BATCH, 0, &value, error));
  HOLDS(value.is_tensor == 1 && value.tensor.data != NULL);
  say(me, "batch begins with %s of %d dimensions", value.name, (int)value.tensor.ndim);
  MUST(use_optimizer(me, error));
  MUST(use_collectives(me, error));
  return use_message_hub(me, error);
}

static grapnel_status before_optimizer_step(void* self, const grapnel_point_args* args,
                                            grapnel_error* error) {
  services* me = self;
  HOLDS(me->model->count(me->host, GRAPNEL_MODEL_GRADIENTS) > 0);
  if (args->iter == 1) MUST(me->runner->request_skip_step(me->host, "the second step is skipped", error));
  return GRAPNEL_STATUS_OK;
}

static grapnel_status after_train_iter(void* self, const grapnel_point_args* args, grapnel_error* error) {
  services* me = self;
  double loss = -1;
  MUST(me->values->get_number(me->host, GRAPNEL_VALUES_OUTPUTS, "loss", &loss, error));
  HOLDS(loss == loss);
  if (args->iter == 0) {
    MUST(me->runner->request_validation(me->host, error));
    MUST(me->runner->request_save(me->host, "old.pth", error));
  }
  if (args->iter == 2) MUST(me->runner->request_save(me->host, "vetoed.pth", error));
  if (args->epoch == 1) MUST(me->runner->request_stop(me->host, "enough is seen", error));
  return GRAPNEL_STATUS_OK;
}

static grapnel_status after_val_epoch(void* self, const grapnel_point_args* args, grapnel_error* error) {
  services* me = self;
  grapnel_named_value value = {.struct_size = sizeof value};
  (void)args;
  MUST(me->values->get(me->host, GRAPNEL_VALUES_METRICS, 0, &value, error));
  HOLDS(value.is_tensor == 0);
  say(me, "validation: %s, table %s", value.name,
      me->runner->evaluation_table(me->host)[0] ? "given" : "empty");
  return GRAPNEL_STATUS_OK;
}

static grapnel_status before_save_checkpoint(void* self, const grapnel_point_args* args,
                                             grapnel_error* error) {
  services* me = self;
  grapnel_checkpoint_info info = {.struct_size = sizeof info};
  const char* name = strrchr(args->checkpoint_path, '/') + 1;
  if (strcmp(name, "vetoed.pth") == 0)
    return me->runner->veto_checkpoint(me->host, "it is not wanted", error);
  MUST(me->checkpoint->get_info(me->host, &info, error));
  MUST(me->checkpoint->set_text(me->host, "old_services", "left by revision 1.0", error));
  say(me, "writes %s at iter %" PRId64, name, info.iter);
  return GRAPNEL_STATUS_OK;
}

static grapnel_status after_save_checkpoint(void* self, const grapnel_point_args* args,
                                            grapnel_error* error) {
  services* me = self;
  const char* last = strrchr(me->checkpoint->last_path(me->host), '/');
  HOLDS(last != NULL && args->checkpoint_path != NULL);
  say(me, "after %s the last is %s", strrchr(args->checkpoint_path, '/') + 1, last + 1);
  return GRAPNEL_STATUS_OK;
}

static grapnel_status after_load_checkpoint(void* self, const grapnel_point_args* args,
                                            grapnel_error* error) {
  services* me = self;
  grapnel_checkpoint_info info = {.struct_size = sizeof info};
  const char* text = me->checkpoint->get_text(me->host, "old_services");
  (void)args;
  MUST(me->checkpoint->get_info(me->host, &info, error));
  HOLDS(me->checkpoint->get_text(me->host, "never set") == NULL);
  say(me, "reads iter %" PRId64 ", resume %d: %s", info.iter, (int)info.is_resume, text ? text : "-");
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {.struct_size = sizeof(grapnel_hook_vtable),
                                           .create = create,
                                           .destroy = destroy,
                                           .before_run = before_run,
                                           .before_train = before_train,
                                           .before_train_iter = before_train_iter,
                                           .before_optimizer_step = before_optimizer_step,
                                           .after_train_iter = after_train_iter,
                                           .after_val_epoch = after_val_epoch,
                                           .before_save_checkpoint = before_save_checkpoint,
                                           .after_save_checkpoint = after_save_checkpoint,
                                           .after_load_checkpoint = after_load_checkpoint};

GRAPNEL_EXPORT const grapnel_plugin grapnel_plugin_v1 = {
    .struct_size = sizeof(grapnel_plugin),
    .abi_major = GRAPNEL_ABI_MAJOR,
    .abi_minor = GRAPNEL_ABI_MINOR,
    .default_priority = GRAPNEL_PRIORITY_NORMAL,
    .type = "OldServices",
    .version = "1.0.0",
    .author = "",
    .license = "",
    .summary = "Uses every service",
    .torch_version = "",
    .vtable = &vtable,
};
GRAPNEL_PLUGIN_NOTE("OldServices", "")
