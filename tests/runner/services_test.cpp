// The service tables as a plugin meets them: null arguments, old and new struct sizes, wrong names, and what
// the functions give at which point.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "test_run.hpp"

namespace grapnel::test {
namespace {

RunSpec one_epoch(const TemporaryFolder& folder) {
  RunSpec spec;
  spec.work_dir = folder.path("run");
  spec.task.train_size = 2;
  spec.task.val_size = 1;
  spec.val = true;
  spec.loop.max_epochs = 1;
  spec.optimizer.lr = 0.1;
  spec.optimizer.momentum = 0.9;
  spec.optimizer.weight_decay = 0.01;
  return spec;
}

// Room for a message, and a service's table of this host.
struct Call {
  explicit Call(const grapnel_host* its_host) : host(its_host) {}
  template <class Table>
  const Table& table(const char* id) const {
    return *static_cast<const Table*>(host->get_service(host, id));
  }
  const grapnel_host* host;
  char text[256] = "";
  grapnel_error error{sizeof(grapnel_error), 0, text, sizeof text};
};

// Runs `body` once at the first after_train_iter.
void at_the_first_iteration(TestRun& run, const TestRun::Action& body) {
  int times = 0;
  run.act("after_train_iter", 0, [&](TraceHook& hook, const Point& at) {
    ++times;
    body(hook, at);
  });
  EXPECT_EQ(run.train(), runner::RunEnd::kDone);
  EXPECT_EQ(times, 1);
}

TEST(Services, AreAllThereAlreadyInCreate) {
  TemporaryFolder folder;
  TestRun run(one_epoch(folder));
  int found = 0;
  run.first().on_create = [&](TraceHook& hook) {
    for (const char* id :
         {GRAPNEL_SERVICE_LOG, GRAPNEL_SERVICE_RUNNER, GRAPNEL_SERVICE_VALUES, GRAPNEL_SERVICE_MODEL,
          GRAPNEL_SERVICE_OPTIMIZER, GRAPNEL_SERVICE_DATA, GRAPNEL_SERVICE_COLLECTIVES,
          GRAPNEL_SERVICE_MESSAGE_HUB, GRAPNEL_SERVICE_CHECKPOINT}) {
      const auto* size = static_cast<const uint32_t*>(hook.host->get_service(hook.host, id));
      ASSERT_NE(size, nullptr) << id;
      EXPECT_GE(*size, 2 * sizeof(void*)) << id;
      ++found;
    }
    EXPECT_EQ(hook.host->get_service(hook.host, "grapnel.runner/2"), nullptr);
    EXPECT_EQ(hook.runner().work_dir(), folder.path("run"));
    EXPECT_EQ(hook.runner().state().max_iters, 2);
    EXPECT_EQ(hook.values().count(GRAPNEL_VALUES_BATCH), 0u);
  };
  run.load();
  EXPECT_EQ(found, 9);
}

TEST(Services, RefuseNullArgumentsWithASentence) {
  TemporaryFolder folder;
  TestRun run(one_epoch(folder));
  at_the_first_iteration(run, [](TraceHook& hook, const Point&) {
    Call call(hook.host);
    const auto refused = [&](grapnel_status status) {
      EXPECT_EQ(status, GRAPNEL_STATUS_INVALID_ARGUMENT) << call.text;
      EXPECT_EQ(call.error.code, status);
      EXPECT_NE(std::string(call.text).find("NULL"), std::string::npos) << call.text;
      call.text[0] = '\0';
    };
    const auto& runner = call.table<grapnel_runner_service>(GRAPNEL_SERVICE_RUNNER);
    refused(runner.request_stop(hook.host, nullptr, &call.error));
    refused(runner.request_save(hook.host, nullptr, &call.error));
    refused(runner.request_stop(nullptr, "x", &call.error));
    const auto& values = call.table<grapnel_values_service>(GRAPNEL_SERVICE_VALUES);
    double number = 0;
    refused(values.get(hook.host, GRAPNEL_VALUES_BATCH, 0, nullptr, &call.error));
    refused(values.get_number(hook.host, GRAPNEL_VALUES_OUTPUTS, nullptr, &number, &call.error));
    refused(values.get_number(hook.host, GRAPNEL_VALUES_OUTPUTS, "loss", nullptr, &call.error));
    const auto& model = call.table<grapnel_model_service>(GRAPNEL_SERVICE_MODEL);
    refused(model.get(hook.host, GRAPNEL_MODEL_PARAMETERS, 0, nullptr, &call.error));
    refused(model.get_module(hook.host, 0, nullptr, &call.error));
    refused(model.set_attribute(hook.host, 0, nullptr, &call.error));
    refused(call.table<grapnel_optimizer_service>(GRAPNEL_SERVICE_OPTIMIZER)
                .get_group(hook.host, 0, nullptr, &call.error));
    const auto& data = call.table<grapnel_data_service>(GRAPNEL_SERVICE_DATA);
    refused(data.get_info(hook.host, GRAPNEL_MODE_TRAIN, nullptr, &call.error));
    refused(data.set_skipped_types(hook.host, GRAPNEL_MODE_TRAIN, nullptr, 1, &call.error));
    refused(data.replace_pipeline(hook.host, GRAPNEL_MODE_TRAIN, nullptr, &call.error));
    refused(data.get_image_size(hook.host, nullptr, nullptr, &call.error));
    const auto& collectives = call.table<grapnel_collectives_service>(GRAPNEL_SERVICE_COLLECTIVES);
    refused(collectives.all_reduce(hook.host, nullptr, GRAPNEL_REDUCE_SUM, &call.error));
    const auto& hub = call.table<grapnel_message_hub_service>(GRAPNEL_SERVICE_MESSAGE_HUB);
    refused(hub.update_scalar(hook.host, nullptr, 1, &call.error));
    refused(hub.set_text(hook.host, "key", nullptr, &call.error));
    // Without room for a message the status alone comes back; functions without a status give nothing.
    EXPECT_EQ(runner.request_stop(hook.host, nullptr, nullptr), GRAPNEL_STATUS_INVALID_ARGUMENT);
    grapnel_error no_text{sizeof(grapnel_error), 0, nullptr, 0};
    EXPECT_EQ(hub.set_text(hook.host, nullptr, nullptr, &no_text), GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(values.count(nullptr, 0), 0u);
    EXPECT_EQ(hub.get_text(hook.host, nullptr), nullptr);
    EXPECT_STREQ(runner.work_dir(nullptr), "");
    runner.get_state(hook.host, nullptr);
    call.table<grapnel_log_service>(GRAPNEL_SERVICE_LOG).write(hook.host, GRAPNEL_LOG_INFO, nullptr);
  });
}

TEST(Services, FillAsMuchOfAStructAsTheCallerKnows) {
  TemporaryFolder folder;
  TestRun run(one_epoch(folder));
  at_the_first_iteration(run, [](TraceHook& hook, const Point&) {
    Call call(hook.host);
    const auto& runner = call.table<grapnel_runner_service>(GRAPNEL_SERVICE_RUNNER);
    struct Newer {
      grapnel_run_state known;
      uint64_t later;
    } newer;
    std::memset(&newer, 0x5A, sizeof newer);
    newer.known.struct_size = sizeof newer;
    runner.get_state(hook.host, &newer.known);
    EXPECT_EQ(newer.known.struct_size, sizeof newer);
    EXPECT_EQ(newer.known.max_iters, 2);
    EXPECT_EQ(newer.later, 0x5A5A5A5A5A5A5A5Au);

    grapnel_run_state older;
    std::memset(&older, 0x5A, sizeof older);
    older.struct_size = offsetof(grapnel_run_state, iter);
    runner.get_state(hook.host, &older);
    EXPECT_EQ(older.epoch, 0);
    EXPECT_EQ(older.iter, 0x5A5A5A5A5A5A5A5A);

    grapnel_model_entry unset{};
    const auto& model = call.table<grapnel_model_service>(GRAPNEL_SERVICE_MODEL);
    EXPECT_EQ(model.get(hook.host, GRAPNEL_MODEL_PARAMETERS, 0, &unset, &call.error),
              GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_NE(std::string(call.text).find("struct_size"), std::string::npos);
  });
}

TEST(Services, CutALongMessageToTheCallersRoom) {
  TemporaryFolder folder;
  TestRun run(one_epoch(folder));
  at_the_first_iteration(run, [](TraceHook& hook, const Point&) {
    Call call(hook.host);
    call.error.capacity = 8;
    call.text[8] = 'x';
    const auto& values = call.table<grapnel_values_service>(GRAPNEL_SERVICE_VALUES);
    double number = 0;
    EXPECT_EQ(values.get_number(hook.host, GRAPNEL_VALUES_OUTPUTS, "nothing", &number, &call.error),
              GRAPNEL_STATUS_NOT_FOUND);
    EXPECT_EQ(std::strlen(call.text), 7u);
    EXPECT_EQ(call.text[8], 'x');
  });
}

TEST(ValuesService, ShowsBatchOutputsAndMetricsWhereTheContractSays) {
  TemporaryFolder folder;
  TestRun run(one_epoch(folder));
  run.act("before_train_iter", 0, [&](TraceHook& hook, const Point&) {
    EXPECT_EQ(hook.values().count(GRAPNEL_VALUES_BATCH), 3u);
    EXPECT_EQ(hook.values().count(GRAPNEL_VALUES_OUTPUTS), 0u);
    const grapnel_named_value inputs = hook.values().get(GRAPNEL_VALUES_BATCH, 0);
    EXPECT_STREQ(inputs.name, "inputs");
    ASSERT_EQ(inputs.tensor.ndim, 2);
    EXPECT_EQ(inputs.tensor.shape[1], 2);
    EXPECT_EQ(inputs.tensor.strides[0], 2);
    // A view of the batch itself, and bool as bytes.
    EXPECT_EQ(inputs.tensor.data, run.runner().batch()->tensor("inputs").data_ptr());
    const grapnel_tensor mask = hook.values().get(GRAPNEL_VALUES_BATCH, 2).tensor;
    EXPECT_EQ(mask.dtype.code, GRAPNEL_DTYPE_UINT);
    EXPECT_EQ(mask.dtype.bits, 8);
  });
  run.act("after_val_epoch", -1, [&](TraceHook& hook, const Point&) {
    ASSERT_EQ(hook.values().count(GRAPNEL_VALUES_METRICS), 1u);
    EXPECT_STREQ(hook.values().get(GRAPNEL_VALUES_METRICS, 0).name, "acc");
    EXPECT_EQ(hook.values().number(GRAPNEL_VALUES_METRICS, "acc"), run.runner().metrics()[0].second);
    EXPECT_EQ(hook.values().count(GRAPNEL_VALUES_BATCH), 0u);
    EXPECT_EQ(hook.runner().evaluation_table(), "acc\n");
  });
  run.act("after_train_epoch", -1,
          [](TraceHook& hook, const Point&) { EXPECT_EQ(hook.values().count(GRAPNEL_VALUES_OUTPUTS), 0u); });
  at_the_first_iteration(run, [](TraceHook& hook, const Point&) {
    ASSERT_EQ(hook.values().count(GRAPNEL_VALUES_OUTPUTS), 2u);
    EXPECT_STREQ(hook.values().get(GRAPNEL_VALUES_OUTPUTS, 0).name, "loss");
    EXPECT_NEAR(hook.values().number(GRAPNEL_VALUES_OUTPUTS, "loss"),
                hook.values().number(GRAPNEL_VALUES_OUTPUTS, "loss_error"), 1e-6);
    Call call(hook.host);
    const auto& values = call.table<grapnel_values_service>(GRAPNEL_SERVICE_VALUES);
    double number = 0;
    EXPECT_EQ(values.get_number(hook.host, GRAPNEL_VALUES_BATCH, "inputs", &number, &call.error),
              GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(values.get_number(hook.host, 9, "x", &number, &call.error), GRAPNEL_STATUS_INVALID_ARGUMENT);
    auto value = detail::sized<grapnel_named_value>();
    EXPECT_EQ(values.get(hook.host, GRAPNEL_VALUES_OUTPUTS, 99, &value, &call.error),
              GRAPNEL_STATUS_NOT_FOUND);
  });
}

TEST(ModelService, ShowsTensorsModulesAndAttributes) {
  TemporaryFolder folder;
  TestRun run(one_epoch(folder));
  at_the_first_iteration(run, [&](TraceHook& hook, const Point&) {
    std::vector<std::string> names, modules;
    for (uint64_t i = 0; i < hook.model().count(GRAPNEL_MODEL_PARAMETERS); ++i) {
      names.emplace_back(hook.model().get(GRAPNEL_MODEL_PARAMETERS, i).name);
    }
    EXPECT_EQ(names, (std::vector<std::string>{"extra", "table", "fc.weight", "fc.bias", "norm.weight",
                                               "norm.bias"}));
    for (uint64_t i = 0; i < hook.model().module_count(); ++i) {
      const grapnel_module module = hook.model().module(i);
      modules.push_back(std::string(module.name) + ":" + module.type + (module.is_norm ? ":norm" : ""));
    }
    EXPECT_EQ(modules, (std::vector<std::string>{":FakeNet", "fc:Linear", "norm:BatchNorm1d:norm"}));
    EXPECT_EQ(hook.model().get(GRAPNEL_MODEL_PARAMETERS, 2).module_index, 1u);
    EXPECT_EQ(hook.model().count(GRAPNEL_MODEL_BUFFERS), 4u);
    // After the step there are no gradients: shapes are told all the same.
    const grapnel_model_entry gradient = hook.model().get(GRAPNEL_MODEL_GRADIENTS, 2);
    EXPECT_EQ(gradient.tensor.data, nullptr);
    EXPECT_EQ(gradient.tensor.ndim, 2);

    ASSERT_EQ(hook.model().module(1).attribute_count, 3u);
    const grapnel_value classes = hook.model().attribute(1, 0);
    EXPECT_STREQ(classes.name, "num_classes");
    EXPECT_EQ(classes.integer, 2);
    Call call(hook.host);
    const auto& model = call.table<grapnel_model_service>(GRAPNEL_SERVICE_MODEL);
    grapnel_value value = classes;
    EXPECT_EQ(model.set_attribute(hook.host, 1, &value, &call.error), GRAPNEL_STATUS_UNSUPPORTED);
    value = hook.model().attribute(1, 1);
    value.kind = GRAPNEL_KIND_INT;
    EXPECT_EQ(model.set_attribute(hook.host, 1, &value, &call.error), GRAPNEL_STATUS_INVALID_ARGUMENT);
    value.name = "nothing";
    EXPECT_EQ(model.set_attribute(hook.host, 1, &value, &call.error), GRAPNEL_STATUS_NOT_FOUND);
    EXPECT_EQ(model.set_attribute(hook.host, 77, &value, &call.error), GRAPNEL_STATUS_NOT_FOUND);
    value = hook.model().attribute(1, 2);
    EXPECT_EQ(value.kind, GRAPNEL_KIND_FLOAT);
    value.number = 0.25;
    hook.model().set_attribute(1, value);
    EXPECT_EQ(hook.model().attribute(1, 2).number, 0.25);
    hook.model().set_epoch(4, 9);
    EXPECT_EQ(run.task().epoch_told, 4);
  });
}

TEST(OptimizerService, ReadsAndSetsGroups) {
  TemporaryFolder folder;
  TestRun run(one_epoch(folder));
  run.act("after_backward", 0, [](TraceHook& hook, const Point&) {
    EXPECT_NE(hook.model().get(GRAPNEL_MODEL_GRADIENTS, 2).tensor.data, nullptr);
    EXPECT_EQ(hook.model().get(GRAPNEL_MODEL_GRADIENTS, 0).tensor.data, nullptr);  // not used in this step
  });
  at_the_first_iteration(run, [](TraceHook& hook, const Point&) {
    ASSERT_EQ(hook.optimizer().group_count(), 2u);
    const grapnel_param_group biases = hook.optimizer().group(0);
    EXPECT_STREQ(biases.name, "biases");
    EXPECT_EQ(biases.parameter_count, 2u);
    EXPECT_DOUBLE_EQ(biases.lr, 0.2);
    EXPECT_DOUBLE_EQ(biases.weight_decay, 0.0);
    EXPECT_DOUBLE_EQ(biases.momentum, 0.9);
    EXPECT_DOUBLE_EQ(hook.optimizer().group(1).weight_decay, 0.01);
    hook.optimizer().set_lr(0, 0.5);
    hook.optimizer().set_momentum(0, 0.5);
    hook.optimizer().set_weight_decay(0, 0.25);
    EXPECT_DOUBLE_EQ(hook.optimizer().group(0).lr, 0.5);
    EXPECT_DOUBLE_EQ(hook.optimizer().group(0).initial_lr, 0.2);
    EXPECT_DOUBLE_EQ(hook.optimizer().group(0).momentum, 0.5);
    EXPECT_DOUBLE_EQ(hook.optimizer().group(0).weight_decay, 0.25);
    Call call(hook.host);
    const auto& table = call.table<grapnel_optimizer_service>(GRAPNEL_SERVICE_OPTIMIZER);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(table.set_lr(hook.host, 0, nan, &call.error), GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(table.set_lr(hook.host, 0, -1, &call.error), GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(table.set_momentum(hook.host, 0, 1.0, &call.error), GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(table.set_lr(hook.host, 2, 0.1, &call.error), GRAPNEL_STATUS_NOT_FOUND);
  });
}

TEST(DataService, ShowsTheDatasetAndSwitchesThePipeline) {
  TemporaryFolder folder;
  TestRun run(one_epoch(folder));
  at_the_first_iteration(run, [](TraceHook& hook, const Point&) {
    const grapnel_dataset_info info = hook.data().info(GRAPNEL_MODE_TRAIN);
    EXPECT_EQ(info.size, 2);
    EXPECT_EQ(info.class_count, 2u);
    EXPECT_STREQ(info.config_key, "train_dataloader.dataset");
    EXPECT_EQ(hook.data().class_name(GRAPNEL_MODE_TRAIN, 1), "dog");
    EXPECT_EQ(hook.data().class_name(GRAPNEL_MODE_TRAIN, 2), "");
    hook.data().set_skipped_types(GRAPNEL_MODE_TRAIN, {"Turn"});
    EXPECT_EQ(hook.data().transform(GRAPNEL_MODE_TRAIN, 0).is_skipped, 0);
    EXPECT_EQ(hook.data().transform(GRAPNEL_MODE_TRAIN, 1).is_skipped, 1);
    hook.data().replace_pipeline(GRAPNEL_MODE_TRAIN, R"([{"type": "Resize"}])");
    EXPECT_EQ(hook.data().transform_count(GRAPNEL_MODE_TRAIN), 1u);
    EXPECT_STREQ(hook.data().transform(GRAPNEL_MODE_TRAIN, 0).type, "Resize");
    hook.data().set_image_size(64, 96);
    EXPECT_EQ(hook.data().image_size(), (std::pair<int64_t, int64_t>(64, 96)));
    Call call(hook.host);
    const auto& data = call.table<grapnel_data_service>(GRAPNEL_SERVICE_DATA);
    auto out = detail::sized<grapnel_dataset_info>();
    EXPECT_EQ(data.get_info(hook.host, GRAPNEL_MODE_TEST, &out, &call.error), GRAPNEL_STATUS_NOT_FOUND);
    EXPECT_EQ(data.get_info(hook.host, 7, &out, &call.error), GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(data.set_image_size(hook.host, 100, 64, &call.error), GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(data.replace_pipeline(hook.host, GRAPNEL_MODE_TRAIN, "{]", &call.error),
              GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(data.replace_pipeline(hook.host, GRAPNEL_MODE_TRAIN, "{}", &call.error),
              GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(data.transform_count(hook.host, GRAPNEL_MODE_TEST), 0u);
  });
}

TEST(CollectivesService, OfOneProcessIsTheIdentity) {
  TemporaryFolder folder;
  TestRun run(one_epoch(folder));
  at_the_first_iteration(run, [](TraceHook& hook, const Point&) {
    EXPECT_EQ(hook.collectives().rank(), 0);
    EXPECT_EQ(hook.collectives().world_size(), 1);
    std::vector<float> values = {1.5f, -2.0f};
    hook.collectives().all_reduce(values, GRAPNEL_REDUCE_MEAN);
    EXPECT_EQ(values, (std::vector<float>{1.5f, -2.0f}));
    hook.collectives().barrier();
    Call call(hook.host);
    const auto& table = call.table<grapnel_collectives_service>(GRAPNEL_SERVICE_COLLECTIVES);
    int64_t numbers[4] = {1, 2, 3, 4}, shape[1] = {2}, stride[1] = {2}, dense[1] = {1};
    grapnel_tensor view{numbers, {GRAPNEL_DEVICE_CPU, 0}, 1, {GRAPNEL_DTYPE_INT, 64, 1}, shape, stride, 0};
    EXPECT_EQ(table.all_reduce(hook.host, &view, GRAPNEL_REDUCE_SUM, &call.error),
              GRAPNEL_STATUS_INVALID_ARGUMENT);
    view.strides = dense;
    EXPECT_EQ(table.all_reduce(hook.host, &view, GRAPNEL_REDUCE_MEAN, &call.error),
              GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(table.all_reduce(hook.host, &view, 99, &call.error), GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(table.broadcast(hook.host, &view, 1, &call.error), GRAPNEL_STATUS_INVALID_ARGUMENT);
    view.dtype = {GRAPNEL_DTYPE_INT, 8, 1};
    EXPECT_EQ(table.all_reduce(hook.host, &view, GRAPNEL_REDUCE_SUM, &call.error),
              GRAPNEL_STATUS_INVALID_ARGUMENT);
  });
}

TEST(MessageHubService, KeepsScalarsAndTexts) {
  TemporaryFolder folder;
  TestRun run(one_epoch(folder));
  at_the_first_iteration(run, [](TraceHook& hook, const Point&) {
    for (double value : {4.0, 1.0, 3.0}) hook.message_hub().update_scalar("train/loss", value);
    EXPECT_EQ(hook.message_hub().scalar("train/loss"), 3.0);
    EXPECT_EQ(hook.message_hub().scalar("train/loss", GRAPNEL_STATISTIC_MEAN, 2), 2.0);
    EXPECT_EQ(hook.message_hub().scalar("train/loss", GRAPNEL_STATISTIC_MAX), 4.0);
    EXPECT_EQ(hook.message_hub().update_count("train/loss"), 3u);
    EXPECT_EQ(hook.message_hub().scalar_keys(), (std::vector<std::string>{"train/loss"}));
    hook.message_hub().set_text("epoch", "0");
    EXPECT_EQ(hook.message_hub().text("epoch"), "0");
    Call call(hook.host);
    const auto& hub = call.table<grapnel_message_hub_service>(GRAPNEL_SERVICE_MESSAGE_HUB);
    double value = 0;
    EXPECT_EQ(hub.get_scalar(hook.host, "no", 0, 0, &value, &call.error), GRAPNEL_STATUS_NOT_FOUND);
    EXPECT_EQ(hub.get_scalar(hook.host, "train/loss", 9, 0, &value, &call.error),
              GRAPNEL_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(hub.get_text(hook.host, "no"), nullptr);
    EXPECT_EQ(hub.scalar_key(hook.host, 5), nullptr);
  });
}

TEST(CheckpointService, IsOpenOnlyAroundAFile) {
  TemporaryFolder folder;
  TestRun run(one_epoch(folder));
  at_the_first_iteration(run, [](TraceHook& hook, const Point&) {
    Call call(hook.host);
    const auto& checkpoint = call.table<grapnel_checkpoint_service>(GRAPNEL_SERVICE_CHECKPOINT);
    auto info = detail::sized<grapnel_checkpoint_info>();
    EXPECT_EQ(checkpoint.get_info(hook.host, &info, &call.error), GRAPNEL_STATUS_UNSUPPORTED);
    EXPECT_EQ(checkpoint.set_text(hook.host, "a", "b", &call.error), GRAPNEL_STATUS_UNSUPPORTED);
    EXPECT_EQ(checkpoint.get_text(hook.host, "a"), nullptr);
    EXPECT_STREQ(checkpoint.last_path(hook.host), "");
  });
}

}  // namespace
}  // namespace grapnel::test
