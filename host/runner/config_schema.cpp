// The runner's own keys come from its reader, run over samples that reach each of its branches; their
// meanings from the table of MMEngine's keys.
#include "runner/config_schema.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "core/hook_shapes.hpp"
#include "core/json_schema.hpp"
#include "runner/param_scheduler_shape.hpp"
#include "runner/run_config.hpp"

namespace grapnel::runner {
namespace {

using shape::keywords;
using Variants = std::shared_ptr<const TableVariants>;

constexpr const char* kSplits[] = {"train", "val", "test"};

// Tables have no row of their own in config_keys(), and there a row of an option that only some variants have
// names just these.
constexpr std::pair<const char*, const char*> kNotes[] = {
    {"log_level", "What is logged: this and what is worse"},
    {"model", "What is trained"},
    {"*_dataloader.dataset", "Where the samples come from"},
    {"val_evaluator", "How a validation is measured"},
    {"test_evaluator", "How a test is measured"},
    {"train_cfg.type", "The training loop"},
    {"train_cfg.max_epochs", "Passes over the data"},
    {"train_cfg.max_iters", "Batches in all"},
    {"val_cfg.type", "The validation loop"},
    {"test_cfg.type", "The test loop"},
    {"*_dataloader.sampler.type", "The order of the samples"},
    {"*_dataloader.sampler.shuffle", "Whether each pass has an order of its own"},
    {"optim_wrapper.type", "How the weights are stepped"},
    {"optim_wrapper.dtype", "What AmpOptimWrapper runs the network in"},
    {"auto_scale_lr", "A learning rate in proportion to the batch size"},
    {"optim_wrapper.clip_grad.norm_type", "Which norm: 2 is Euclid's"},
    {"optim_wrapper.paramwise_cfg.norm_decay_mult", "Factor on the weight decay of norm layers"},
    {"optim_wrapper.paramwise_cfg.bias_decay_mult", "Factor on the weight decay of other biases"},
    {"optim_wrapper.optimizer.type", "The optimiser"},
    {"optim_wrapper.optimizer.weight_decay", "Decay of the weights"},
    {"optim_wrapper.optimizer.momentum", "Momentum"},
    {"optim_wrapper.optimizer.dampening", "Part of the gradient that does not enter the momentum"},
    {"optim_wrapper.optimizer.nesterov", "Nesterov's momentum: needs a momentum and no dampening"},
    {"optim_wrapper.optimizer.betas", "Decay of the averages of the gradient and of its square"},
    {"optim_wrapper.optimizer.eps", "Added to the denominator"},
    {"optim_wrapper.optimizer.amsgrad", "AMSGrad: the average of the square never falls"},
    {"randomness", "Where randomness comes from"},
    {"env_cfg", "The process"},
    {"train_dataloader", "What is trained on"},
    {"val_dataloader", "What is validated on"},
    {"test_dataloader", "What is tested on"},
    {"train_cfg", "The training loop"},
    {"val_cfg", "The validation loop; false switches it off"},
    {"test_cfg", "The test loop; false switches it off"},
    {"optim_wrapper", "How the weights are stepped"},
    {"optim_wrapper.clip_grad", "Cuts the norm of the gradients"},
    {"optim_wrapper.paramwise_cfg", "Factors on the weight decay, by kind of parameter"},
    {"optim_wrapper.optimizer", "The optimiser"},
    {"*_dataloader.sampler", "The order of the samples"}};

std::string general(const std::string& path) {
  for (const char* split : kSplits) {
    const std::string loader = std::string(split) + "_dataloader";
    if (path.rfind(loader, 0) == 0) return "*_dataloader" + path.substr(loader.size());
  }
  return path;
}

void add_notes(TableShape& table, const std::string& prefix) {
  for (KeyShape& key : table.keys) {
    const std::string path = prefix + key.key;
    for (const ConfigKey& row : config_keys()) {
      if (general(path) == row.key) key.note = row.note;
    }
    for (const auto& [name, note] : kNotes) {
      if (path == name || general(path) == name) key.note = note;
    }
    if (key.table) add_notes(*key.table, path + ".");
  }
}

ConfigNode sample(const char* table, const char* key, ConfigNode value) {
  return ConfigNode::table({{table, ConfigNode::table({{key, std::move(value)}})}});
}

TableShape recorded(const ConfigNode& config) {
  TableShape root = run_config_shape(config);
  add_notes(root, "");
  return root;
}

void make_variants(KeyShape& key, Variants variants) {
  key.table.reset();
  key.variants = std::move(variants);
}

Variants joined(const char* name, const char* note, const std::vector<TaskShapes>& tasks,
                std::vector<TableVariant> TaskShapes::*part) {
  auto variants = std::make_shared<TableVariants>();
  variants->name = name;
  variants->note = note;
  for (const TaskShapes& task : tasks) {
    variants->all.insert(variants->all.end(), (task.*part).begin(), (task.*part).end());
  }
  return variants;
}

// by_epoch may stand for the type, and may not contradict it.
Variants train_loops() {
  auto loops = std::make_shared<TableVariants>();
  loops->name = "train_cfg";
  loops->note = "Whether training is counted in epochs or in iterations";
  for (const bool by_epoch : {true, false}) {
    const std::string type = by_epoch ? "EpochBasedTrainLoop" : "IterBasedTrainLoop";
    TableShape loop =
        *recorded(sample("train_cfg", "type", ConfigNode::string(type))).known("train_cfg").table;
    const ConfigNode counts_so = keywords({{"const", ConfigNode::boolean(by_epoch)}});
    loop.known("by_epoch").value = counts_so;
    loops->add(type, std::move(loop));
    const ConfigNode no_type = keywords({{"not", keywords({{"required", shape::words({"type"})}})}});
    const ConfigNode says_so = keywords({{"required", shape::words({"by_epoch"})},
                                         {"properties", ConfigNode::table({{"by_epoch", counts_so}})},
                                         {"allOf", ConfigNode::list({no_type})}});
    ConfigNode& condition = loops->all.back().condition;
    condition =
        keywords({{"type", ConfigNode::string("object")}, {"anyOf", ConfigNode::list({condition, says_so})}});
  }
  return loops;
}

Variants optimizers() {
  auto optimizers = std::make_shared<TableVariants>();
  optimizers->name = "optimizer";
  optimizers->note = "Which optimiser";
  for (const char* type : {"SGD", "Adam", "AdamW"}) {
    const ConfigNode wrapper = sample("optimizer", "type", ConfigNode::string(type));
    optimizers->add(
        type,
        *recorded(ConfigNode::table({{"optim_wrapper", wrapper}})).known("optim_wrapper.optimizer").table);
  }
  return optimizers;
}

void add_inheritance(TableShape& root) {
  ConfigNode path = shape::text(false);
  ConfigNode paths = shape::either({path, shape::list(path)});
  KeyShape& base = root.at("_base_");
  base.note = "The config, or the list of configs, from which this one inherits; relative to this file";
  base.value = std::move(paths);
}

// The dataset of each dataloader, and each evaluator, as `dataset` and `evaluator` have them.
ConfigNode of_all_splits(const ConfigNode& dataset, const ConfigNode& evaluator) {
  ConfigNode properties = ConfigNode::table();
  for (const char* split : kSplits) {
    properties.set(std::string(split) + "_dataloader",
                   keywords({{"properties", ConfigNode::table({{"dataset", dataset}})}}));
    if (std::strcmp(split, "train") != 0) properties.set(std::string(split) + "_evaluator", evaluator);
  }
  return keywords({{"properties", std::move(properties)}});
}

ConfigNode has(const char* key) { return keywords({{"required", shape::words({key})}}); }

ConfigNode type_is_one_of(const std::vector<TableVariant>& variants) {
  std::vector<std::string> names;
  for (const auto& variant : variants) names.push_back(variant.name);
  return keywords({{"properties", ConfigNode::table({{"type", shape::choice(names)}})}});
}

// A table without a type is that one, or must have a type.
ConfigNode meaning(const std::string& kind, const std::vector<TableVariant>& variants,
                   const std::string& usual) {
  if (usual.empty()) return has("type");
  const auto variant = std::find_if(variants.begin(), variants.end(),
                                    [&](const TableVariant& one) { return one.name == usual; });
  const ConfigNode reference =
      keywords({{"$ref", ConfigNode::string("#/definitions/" + kind + "." + usual)}});
  const ConfigNode whole =
      keywords({{"allOf", ConfigNode::list({reference, JsonSchema().complete(variant->shape)})}});
  return keywords({{"if", has("type")}, {"else", whole}});
}

// A model takes its own task's data and evaluators only, and says which are meant where none is named.
ConfigNode tasks_rule(const std::vector<TaskShapes>& tasks) {
  std::vector<ConfigNode> rules;
  for (const TaskShapes& task : tasks) {
    ConfigNode model = type_is_one_of(task.models);
    model.set("required", shape::words({"type"}));
    ConfigNode is_task = has("model");
    is_task.set("properties", ConfigNode::table({{"model", std::move(model)}}));
    ConfigNode own = of_all_splits(type_is_one_of(task.datasets), type_is_one_of(task.evaluators));
    own.set("if", has("_base_"));
    own.set("else", of_all_splits(meaning("dataset", task.datasets, task.usual_dataset),
                                  meaning("evaluator", task.evaluators, task.evaluators.front().name)));
    rules.push_back(keywords({{"if", std::move(is_task)}, {"then", std::move(own)}}));
  }
  return keywords({{"allOf", ConfigNode::list(std::move(rules))}});
}

}  // namespace

ConfigNode config_schema(const std::vector<TaskShapes>& tasks,
                         const std::vector<const LoadedPlugin*>& plugins) {
  TableShape root = recorded(ConfigNode::table());
  // What must come together is known of whole configs only, and a file without _base_ may be a base itself.
  for (KeyShape& key : root.keys) key.required = false;
  add_inheritance(root);
  root.rule = tasks_rule(tasks);

  make_variants(root.known("train_cfg"), train_loops());
  root.known("train_cfg").unsaid = KeyShape::Unsaid::kUsual;
  root.known("train_cfg").usual_variant = "EpochBasedTrainLoop";
  make_variants(root.known("optim_wrapper.optimizer"), optimizers());
  make_variants(root.known("model"),
                joined("model", "Which model, and with it which task", tasks, &TaskShapes::models));
  const Variants datasets = joined("dataset", "Which kind of data", tasks, &TaskShapes::datasets);
  const Variants evaluators = joined("evaluator", "Which metric", tasks, &TaskShapes::evaluators);
  for (const char* split : kSplits) {
    KeyShape& dataset = root.known(std::string(split) + "_dataloader.dataset");
    make_variants(dataset, datasets);
    dataset.unsaid = KeyShape::Unsaid::kUnknown;
    if (std::strcmp(split, "train") == 0) continue;
    KeyShape& evaluator = root.known(std::string(split) + "_evaluator");
    make_variants(evaluator, evaluators);
    evaluator.unsaid = KeyShape::Unsaid::kUnknown;
  }

  KeyShape& where = root.known("plugins");
  where.fate = KeyShape::Fate::kTaken;
  where.table = std::make_shared<TableShape>(PluginCatalog::config_shape());
  const auto hooks = hook_variants(plugins);
  root.known("default_hooks") = default_hooks_shape(hooks);
  root.known("custom_hooks") = custom_hooks_shape(hooks);
  root.known("param_scheduler") = param_scheduler_shape();

  return JsonSchema().of_file(root, "Grapnel config",
                              "What `grapnel config schema` found: the runner, the tasks, and the options of "
                              "every hook in the plugin folders.");
}

}  // namespace grapnel::runner
