// The switches that hooks set during a run (image size, module attributes, the training pipeline) and where
// the data stood, as JSON in the checkpoint's meta. Hooks set them again only when something changes, so a
// resume must.
#include <spdlog/spdlog.h>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "runner/runner_impl.hpp"

namespace grapnel::runner {
namespace {

ConfigNode to_node(const AttributeValue& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return ConfigNode::boolean(*flag);
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return ConfigNode::integer(*integer);
  if (const double* number = std::get_if<double>(&value)) return ConfigNode::number(*number);
  return ConfigNode::string(std::get<std::string>(value));
}

// As the attribute's present kind, so that a number which looks like an integer stays a number.
AttributeValue from_node(const ConfigNode& node, const AttributeValue& like) {
  if (std::holds_alternative<bool>(like)) return node.as_bool();
  if (std::holds_alternative<int64_t>(like)) return node.as_int();
  if (std::holds_alternative<double>(like)) return node.as_float();
  return node.as_string();
}

std::vector<std::string> skipped_types_of(const Dataset& dataset) {
  std::vector<std::string> types;
  for (const TransformInfo& transform : dataset.transforms()) {
    if (transform.skipped) types.push_back(transform.type);
  }
  return types;
}

void restore_attributes(Task& task, const ConfigNode& saved) {
  for (const ModuleAttribute& attribute : task.attributes()) {
    if (!attribute.writable) continue;
    for (const ConfigNode& item : saved.items()) {
      if (item.find("module")->as_string() != attribute.module ||
          item.find("name")->as_string() != attribute.name) {
        continue;
      }
      const AttributeValue value = from_node(*item.find("value"), attribute.value);
      if (value != attribute.value) task.set_attribute(attribute.module, attribute.name, value);
    }
  }
}

}  // namespace

std::string Runner::Impl::settings_json() const {
  ConfigNode settings = ConfigNode::table();
  settings.set("by_epoch", ConfigNode::boolean(config.train->by_epoch));
  settings.set("batches_per_epoch", ConfigNode::integer(train_length()));
  settings.set("batch_size", ConfigNode::integer(train_data.loader->batch_size()));
  settings.set("stop", ConfigNode::boolean(stop));
  const auto size = task.image_size();
  settings.set("image_size", ConfigNode::list({ConfigNode::integer(size[0]), ConfigNode::integer(size[1])}));
  ConfigNode attributes = ConfigNode::list({});
  for (const ModuleAttribute& attribute : task.attributes()) {
    if (!attribute.writable) continue;
    attributes.push_back(ConfigNode::table({{"module", ConfigNode::string(attribute.module)},
                                            {"name", ConfigNode::string(attribute.name)},
                                            {"value", to_node(attribute.value)}}));
  }
  settings.set("attributes", std::move(attributes));
  ConfigNode skipped = ConfigNode::list({});
  for (const std::string& type : skipped_types_of(*train_data.dataset))
    skipped.push_back(ConfigNode::string(type));
  settings.set("skipped_types", std::move(skipped));
  settings.set("pipeline", ConfigNode::string(train_data.pipeline_json));
  return settings.to_json();
}

void Runner::Impl::restore_settings(const std::string& json, Checkpoint& checkpoint,
                                    const std::string& path) {
  const ConfigNode settings = parse_json(json, Source{path, 0});
  const auto refuse = [&](const char* what, const std::string& got, const std::string& expected,
                          const char* hint) {
    throw Failure(FailureKind::kConfig, {what, path, got, expected, hint});
  };
  const bool by_epoch = settings.find("by_epoch")->as_bool();
  if (by_epoch != config.train->by_epoch) {
    refuse("the checkpoint is of another kind of loop",
           by_epoch ? "EpochBasedTrainLoop" : "IterBasedTrainLoop",
           by_epoch ? "IterBasedTrainLoop, as the config says" : "EpochBasedTrainLoop, as the config says",
           "take only its weights with load_from");
  }
  const int64_t length = settings.find("batches_per_epoch")->as_int();
  const int64_t batch_size = settings.find("batch_size")->as_int();
  if (by_epoch && (length != train_length() || batch_size != train_data.loader->batch_size())) {
    if (checkpoint.epoch_batch > 0) {
      refuse(
          "the checkpoint was written inside an epoch of other data",
          std::to_string(length) + " batches of " + std::to_string(batch_size),
          std::to_string(train_length()) + " batches of " + std::to_string(train_data.loader->batch_size()),
          "resume with the same data and batch_size, or from a checkpoint of an epoch's end");
    }
    checkpoint.iter = checkpoint.epoch * train_length();
    spdlog::warn("{}: written with {} batches an epoch, now {}: goes on at iteration {}", path, length,
                 train_length(), checkpoint.iter);
  }
  const auto& size = settings.find("image_size")->items();
  const std::array<int64_t, 2> image_size = {size[0].as_int(), size[1].as_int()};
  if (image_size[0] > 0 && image_size != task.image_size()) task.set_image_size(image_size);
  restore_attributes(task, *settings.find("attributes"));
  const std::string& pipeline = settings.find("pipeline")->as_string();
  if (!pipeline.empty()) {
    train_data.dataset->replace_pipeline(parse_json(pipeline, Source{path, 0}));
    train_data.pipeline_json = pipeline;
  }
  std::vector<std::string> skipped;
  for (const ConfigNode& type : settings.find("skipped_types")->items()) skipped.push_back(type.as_string());
  if (skipped != skipped_types_of(*train_data.dataset)) train_data.dataset->set_skipped_types(skipped);
  // A stop that was asked for before the epoch and its validation were over ends the run there, resumed or
  // not.
  const bool unfinished = checkpoint.validation_due || checkpoint.epoch_batch > 0;
  if (by_epoch && unfinished && settings.find("stop")->as_bool()) {
    spdlog::info("{}: a hook had asked to stop after this epoch", path);
    stop = true;
  }
}

}  // namespace grapnel::runner
