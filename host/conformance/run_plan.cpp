#include "conformance/run_plan.hpp"

#include <algorithm>
#include <limits>

namespace grapnel::conformance {
namespace {

CounterRng rng_of(uint64_t seed, int64_t stream, int64_t position) {
  return CounterRng(seed, stream, position, CounterRng::Purpose::kTest);
}

// Streams of draws, by what they are for.
enum Stream { kPlan = 1, kModel, kBatch, kLoss, kPrediction, kMetric, kGradient };

std::vector<float> draw_floats(CounterRng& rng, size_t count) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(rng.uniform(-1, 1));
  return values;
}

void draw_everything(RunPlan& plan, CounterRng& rng) {
  const int64_t loop = rng.integer(0, 7);
  plan.loop = loop == 0 ? RunPlan::Loop::kVal : loop == 1 ? RunPlan::Loop::kTest : RunPlan::Loop::kTrain;
  plan.by_epoch = rng.chance(0.6);
  plan.max_epochs = rng.integer(1, 3);
  plan.length = rng.integer(1, 4);
  plan.max_iters = rng.integer(1, 9);
  plan.val_length = rng.integer(0, 3);
  plan.val_begin = rng.integer(1, 2);
  plan.val_interval = rng.integer(1, 3);
  plan.accumulate = rng.integer(1, 3);
  plan.world_size = rng.chance(0.3) ? rng.integer(2, 3) : 1;
  plan.rank = rng.integer(0, plan.world_size - 1);
  plan.loads_weights = rng.chance(0.3);
  plan.save_every_iters = rng.integer(0, 3);
  const auto perhaps = [&](double p) { return rng.chance(p) ? rng.integer(0, 6) : -1; };
  plan.stop_at = perhaps(0.2);
  plan.validate_at = perhaps(0.2);
  plan.skip_at = perhaps(0.2);
  plan.nan_at = perhaps(0.2);
  plan.interrupt_at = perhaps(0.15);
  plan.fail_at = perhaps(0.15);
  plan.has_rare_dtypes = rng.chance(0.2);
}

PlainTensor make_tensor(CounterRng& rng, std::vector<int64_t> shape) {
  size_t count = 1;
  for (const int64_t side : shape) count *= static_cast<size_t>(side);
  const auto values = draw_floats(rng, count);
  PlainTensor tensor = rng.chance(0.2)
                           ? PlainTensor::doubles(std::vector<double>(values.begin(), values.end()), shape)
                           : PlainTensor::floats(values, shape);
  return rng.chance(0.3) ? tensor.column_major(rng.integer(0, 3)) : tensor;
}

void add_parameter(InMemoryHost& host, CounterRng& rng, const std::string& name, uint64_t module,
                   std::vector<int64_t> shape) {
  ModelEntry entry;
  entry.name = name;
  entry.module = module;
  entry.requires_grad = !rng.chance(0.1);
  entry.tensor = make_tensor(rng, std::move(shape));
  host.parameters.push_back(entry);
}

void add_buffer(InMemoryHost& host, const std::string& name, uint64_t module, PlainTensor tensor) {
  ModelEntry entry;
  entry.name = name;
  entry.module = module;
  entry.requires_grad = false;
  entry.tensor = std::move(tensor);
  host.buffers.push_back(std::move(entry));
}

void make_model(InMemoryHost& host, const RunPlan& plan, CounterRng& rng, int64_t classes) {
  host.modules.resize(4);
  host.modules[0] = {"", "YOLOX", false, false, {}};
  host.modules[1] = {
      "backbone.conv", "Conv2d", false, false, {ModuleAttribute::integer_value("stride", 2, false)}};
  host.modules[2] = {"backbone.bn", "BatchNorm2d", true, rng.chance(0.2), {}};
  host.modules[3] = {"bbox_head",
                     "YOLOXHead",
                     false,
                     false,
                     {ModuleAttribute::integer_value("num_classes", classes, false),
                      ModuleAttribute::boolean("use_l1", false)}};
  ModuleAttribute momentum, act;
  momentum.name = "momentum";
  momentum.kind = GRAPNEL_KIND_FLOAT;
  momentum.number = 0.03;
  act.name = "act";
  act.kind = GRAPNEL_KIND_STRING;
  act.text = "Swish";
  host.modules[2].attributes.push_back(momentum);
  host.modules[3].attributes.push_back(act);

  add_parameter(host, rng, "backbone.conv.weight", 1, {4, 3, 3, 3});
  add_parameter(host, rng, "backbone.bn.weight", 2, {4});
  add_parameter(host, rng, "backbone.bn.bias", 2, {4});
  add_parameter(host, rng, "bbox_head.cls.weight", 3, {classes, 4});
  add_parameter(host, rng, "bbox_head.cls.bias", 3, {classes});
  add_buffer(host, "backbone.bn.running_mean", 2, PlainTensor::floats(draw_floats(rng, 4)));
  add_buffer(host, "backbone.bn.running_var", 2, PlainTensor::floats({1, 1, 1, 1}));
  PlainTensor counter = PlainTensor::integers({7}, {1});
  add_buffer(host, "backbone.bn.num_batches_tracked", 2, counter);
  add_buffer(host, "bbox_head.mask", 3, PlainTensor::bytes({0, 1, 1, 0}));
  if (plan.has_rare_dtypes) {
    add_buffer(host, "bbox_head.half", 3, PlainTensor::zeros({GRAPNEL_DTYPE_FLOAT, 16, 1}, {2, 2}));
    add_buffer(host, "bbox_head.brain", 3, PlainTensor::zeros({GRAPNEL_DTYPE_BFLOAT, 16, 1}, {3}));
    add_buffer(host, "bbox_head.empty", 3, PlainTensor::zeros({GRAPNEL_DTYPE_FLOAT, 32, 1}, {0, 4}));
  }
  for (const ModelEntry& parameter : host.parameters) {
    ModelEntry gradient = parameter;
    gradient.tensor = PlainTensor::copy_of(gradient.tensor.view());
    gradient.tensor.is_missing = true;
    host.gradients.push_back(std::move(gradient));
  }
}

void make_groups(InMemoryHost& host, CounterRng& rng) {
  const int64_t count = rng.integer(1, 3);
  for (int64_t i = 0; i < count; ++i) {
    ParamGroup group;
    group.name = "group" + std::to_string(i);
    group.initial_lr = group.lr = rng.chance(0.5) ? 0.01 : 0.1 * static_cast<double>(i + 1);
    group.has_momentum = !rng.chance(0.2);
    group.initial_momentum = group.momentum = group.has_momentum ? 0.9 : 0;
    group.weight_decay = i == 0 ? 5e-4 : 0;
    group.parameter_count = 5;
    host.groups.push_back(group);
  }
}

InMemoryDataset make_dataset(CounterRng& rng, const char* key, int64_t classes) {
  InMemoryDataset dataset;
  if (!rng.chance(0.15)) {
    for (int64_t i = 0; i < classes; ++i) dataset.classes.push_back("class " + std::to_string(i));
  }
  dataset.size = rng.integer(1, 30);
  if (!rng.chance(0.1)) dataset.label_max = classes - 1;
  dataset.ann_file = rng.chance(0.8) ? std::string("annotations/") + key + ".json" : "";
  dataset.config_key = std::string(key) + "_dataloader.dataset";
  dataset.transforms = {{"Mosaic", false}, {"RandomAffine", false}, {"MixUp", false}, {"Resize", false}};
  return dataset;
}

std::string config_text(const RunPlan& plan) {
  const std::string by_epoch = plan.by_epoch ? "true" : "false";
  const int64_t end = plan.by_epoch ? plan.max_epochs : plan.max_iters;
  return R"({"model": {"type": "YOLOX", "num_classes": 4}, "train_cfg": {"type": ")" +
         std::string(plan.by_epoch ? "EpochBasedTrainLoop" : "IterBasedTrainLoop") +
         R"("}, "optim_wrapper": {"optimizer": {"type": "SGD", "lr": 0.01}}, "param_scheduler": )" +
         R"([{"type": "LinearLR", "start_factor": 0.1, "by_epoch": )" + by_epoch +
         R"(, "begin": 0, "end": )" + std::to_string(end) + "}]}";
}

}  // namespace

std::string RunPlan::text() const {
  const auto n = [](int64_t value) { return std::to_string(value); };
  std::string text;
  if (loop == Loop::kVal) text = "validation of " + n(val_length) + " batches";
  if (loop == Loop::kTest) text = "test of " + n(test_length) + " batches";
  if (loop == Loop::kTrain) {
    text = by_epoch ? "training by epoch, " + n(max_epochs) + " x " + n(length) + " iterations"
                    : "training by iteration, " + n(max_iters) + " iterations";
    text += val_length > 0 ? ", validation every " + n(val_interval) : ", no validation";
    if (accumulate > 1) text += ", a step every " + n(accumulate) + " batches";
  }
  if (world_size > 1) text += ", rank " + n(rank) + " of " + n(world_size);
  if (interrupt_at >= 0) text += ", interrupted after iteration " + n(interrupt_at);
  if (fail_at >= 0) text += ", failing in iteration " + n(fail_at);
  return text;
}

RunPlan draw_plan(uint64_t seed, size_t number) {
  CounterRng rng = rng_of(seed, kPlan, static_cast<int64_t>(number));
  RunPlan plan;
  plan.content_seed = seed * 1000003u + number;
  plan.save_every_iters = 2;
  switch (number) {
    case 0:
      break;
    case 1:
      plan.by_epoch = false;
      plan.val_interval = 2;
      break;
    case 2:
      plan.val_length = 0;
      plan.accumulate = 2;
      break;
    case 3:
      plan.by_epoch = false;
      plan.val_length = 0;
      plan.save_every_iters = 0;
      break;
    case 4:
      plan.loop = RunPlan::Loop::kVal;
      plan.loads_weights = true;
      break;
    case 5:
      plan.loop = RunPlan::Loop::kTest;
      break;
    case 6:
      plan.interrupt_at = 2;
      break;
    case 7:
      plan.fail_at = 3;
      break;
    case 8:
      plan.max_epochs = 1;
      plan.stop_at = 0;
      plan.validate_at = 1;
      plan.skip_at = 1;
      break;
    default:
      draw_everything(plan, rng);
      break;
  }
  if (plan.loop == RunPlan::Loop::kVal) plan.val_length = std::max<int64_t>(plan.val_length, 1);
  return plan;
}

void furnish(InMemoryHost& host, const RunPlan& plan) {
  CounterRng rng = rng_of(plan.content_seed, kModel, 0);
  const bool trains = plan.loop == RunPlan::Loop::kTrain;
  const int64_t classes = 4;
  host.log_dir = host.work_dir + "/20260101_000000";
  host.config_json = config_text(plan);
  host.checkpoint = {};
  host.state.mode = GRAPNEL_MODE_NONE;
  host.state.by_epoch = !trains || plan.by_epoch ? 1 : 0;
  host.state.max_epochs = !trains ? 0 : plan.by_epoch ? plan.max_epochs : 1;
  host.state.max_iters = plan.total_iters();
  host.state.batch_idx = -1;
  host.state.train_epoch_length = trains ? plan.length : 0;
  host.state.val_epoch_length = plan.loop == RunPlan::Loop::kTest ? 0 : plan.val_length;
  host.state.test_epoch_length = plan.loop == RunPlan::Loop::kTest ? plan.test_length : 0;
  host.state.accumulative_counts = plan.accumulate;
  host.state.val_interval = trains && plan.val_length > 0 ? plan.val_interval : 0;
  host.state.seed = plan.content_seed;
  make_model(host, plan, rng, classes);
  if (trains) {
    make_groups(host, rng);
    host.datasets.emplace(GRAPNEL_MODE_TRAIN, make_dataset(rng, "train", classes));
  }
  if (host.state.val_epoch_length > 0)
    host.datasets.emplace(GRAPNEL_MODE_VAL, make_dataset(rng, "val", classes));
  if (host.state.test_epoch_length > 0)
    host.datasets.emplace(GRAPNEL_MODE_TEST, make_dataset(rng, "test", classes));
  if (rng.chance(0.2)) host.image_size.reset();
  if (plan.world_size > 1) {
    host.collectives = std::make_shared<EchoingPeers>(static_cast<int32_t>(plan.rank),
                                                      static_cast<int32_t>(plan.world_size));
  }
}

void make_batch(InMemoryHost& host, const RunPlan& plan, int64_t count) {
  CounterRng rng = rng_of(plan.content_seed, kBatch, count);
  host.batch.clear();
  host.batch.emplace_back("inputs", PlainTensor::floats(draw_floats(rng, 2 * 3 * 4 * 4), {2, 3, 4, 4}));
  host.batch.emplace_back("labels", PlainTensor::integers({rng.integer(0, 3), rng.integer(0, 3)}));
}

void make_losses(InMemoryHost& host, const RunPlan& plan, int64_t count) {
  CounterRng rng = rng_of(plan.content_seed, kLoss, count);
  const auto cls = static_cast<float>(rng.uniform(0.1, 2)), box = static_cast<float>(rng.uniform(0.1, 2));
  const bool is_nan = count == plan.nan_at;
  host.outputs.clear();
  const float total = is_nan ? std::numeric_limits<float>::quiet_NaN() : cls + box;
  host.outputs.emplace_back("loss", PlainTensor::scalar(total));
  host.outputs.emplace_back("loss_cls", PlainTensor::scalar(cls));
  host.outputs.emplace_back("loss_bbox", PlainTensor::scalar(box));
}

void make_predictions(InMemoryHost& host, const RunPlan& plan, int64_t count) {
  CounterRng rng = rng_of(plan.content_seed, kPrediction, count);
  host.outputs.clear();
  const int64_t boxes = rng.integer(0, 3);
  host.outputs.emplace_back(
      "boxes", PlainTensor::floats(draw_floats(rng, static_cast<size_t>(boxes) * 4), {boxes, 4}));
  host.outputs.emplace_back("scores",
                            PlainTensor::floats(draw_floats(rng, static_cast<size_t>(boxes)), {boxes}));
}

void make_metrics(InMemoryHost& host, const RunPlan& plan, int64_t count) {
  CounterRng rng = rng_of(plan.content_seed, kMetric, count);
  host.metrics = {{"accuracy", rng.uniform()}, {"coco/bbox_mAP", rng.uniform()}, {"loss", rng.uniform(0, 3)}};
  if (rng.chance(0.1)) host.metrics[1].second = std::numeric_limits<double>::quiet_NaN();
  host.evaluation_table = "class  AP\nclass 0  0.5\n";
}

void make_gradients(InMemoryHost& host, const RunPlan& plan, int64_t count) {
  CounterRng rng = rng_of(plan.content_seed, kGradient, count);
  for (ModelEntry& gradient : host.gradients) {
    gradient.tensor.is_missing = !gradient.requires_grad;
    for (size_t i = 0; !gradient.tensor.is_missing && i < gradient.tensor.size(); ++i)
      gradient.tensor.set(i, rng.uniform(-0.1, 0.1));
  }
}

void drop_gradients(InMemoryHost& host) {
  for (ModelEntry& gradient : host.gradients) gradient.tensor.is_missing = true;
}

void step(InMemoryHost& host) {
  for (size_t p = 0; p < host.parameters.size(); ++p) {
    PlainTensor& gradient = host.gradients[p].tensor;
    if (gradient.is_missing) continue;
    PlainTensor& parameter = host.parameters[p].tensor;
    const auto values = parameter.values(), steps = gradient.values();
    for (size_t i = 0; i < values.size(); ++i) parameter.set(i, values[i] - 0.01 * steps[i]);
  }
}

}  // namespace grapnel::conformance
