#include "runner/param_scheduler_shape.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace grapnel::runner {
namespace {

using shape::keywords;

void add(TableShape& table, const char* key, const char* note, ConfigNode value, ConfigNode fallback = {}) {
  KeyShape& shape = table.at(key);
  shape.note = note;
  shape.value = std::move(value);
  shape.fallback = std::move(fallback);
}

ConfigNode is(const char* key, bool value) {
  const ConfigNode constant = keywords({{"const", ConfigNode::boolean(value)}});
  return keywords({{"required", shape::words({key})}, {"properties", ConfigNode::table({{key, constant}})}});
}

// When it is in force: what every scheduler has.
TableShape any_scheduler() {
  TableShape table;
  table.at("type").note = "Which scheduler";
  add(table, "by_epoch", "Counts epochs; false: iterations", shape::boolean(), ConfigNode::boolean(true));
  add(table, "begin", "First epoch (or iteration) in which it is in force", shape::number({0}),
      ConfigNode::integer(0));
  add(table, "end", "First epoch (or iteration) after it; the run's end when left out",
      shape::number({0, FloatRange{}.max, true}));
  add(table, "convert_to_iter_based", "Written in epochs, stepped each iteration", shape::boolean(),
      ConfigNode::boolean(false));
  add(table, "last_step", "Steps already done, less one", shape::integer({-1}), ConfigNode::integer(-1));
  add(table, "verbose", "Logs each change", shape::boolean(), ConfigNode::boolean(false));
  // Parts of an epoch only mean something when they are converted to iterations.
  const ConfigNode whole = keywords({{"multipleOf", ConfigNode::integer(1)}});
  const ConfigNode by_epoch = keywords(
      {{"properties", ConfigNode::table({{"by_epoch", keywords({{"const", ConfigNode::boolean(true)}})}})}});
  const ConfigNode whole_range =
      keywords({{"properties", ConfigNode::table({{"begin", whole}, {"end", whole}})}});
  table.rule =
      keywords({{"if", is("convert_to_iter_based", true)}, {"then", by_epoch}, {"else", whole_range}});
  return table;
}

// MMDetection also writes the registry's scope: "mmdet.QuadraticWarmupLR".
ConfigNode is_named(const std::string& name) {
  return keywords(
      {{"type", ConfigNode::string("string")}, {"pattern", ConfigNode::string("^(.*\\.)?(" + name + ")$")}});
}

TableVariant scheduler(const std::string& name, TableShape shape) {
  const ConfigNode named = is_named(name);
  shape.at("type").value =
      keywords({{"anyOf", ConfigNode::list({keywords({{"const", ConfigNode::string(name)}}), named})}});
  return {name,
          keywords({{"type", ConfigNode::string("object")},
                    {"required", shape::words({"type"})},
                    {"properties", ConfigNode::table({{"type", named}})}}),
          std::move(shape)};
}

TableShape linear() {
  TableShape table = any_scheduler();
  add(table, "start_factor", "Of the base rate, at the begin", shape::number({0, 1, true}),
      ConfigNode::number(1.0 / 3));
  add(table, "end_factor", "Of the base rate, at the end", shape::number({0, 1}), ConfigNode::number(1));
  return table;
}

TableShape constant() {
  TableShape table = any_scheduler();
  add(table, "factor", "Of the base rate, until the end", shape::number({0, 1, true}),
      ConfigNode::number(1.0 / 3));
  return table;
}

TableShape multi_step() {
  TableShape table = any_scheduler();
  add(table, "milestones", "Epochs (or iterations) at which the rate falls, ascending",
      shape::list(shape::integer({0})));
  table.at("milestones").required = true;
  add(table, "gamma", "Factor at each milestone", shape::number({0}), ConfigNode::number(0.1));
  return table;
}

TableShape cosine() {
  TableShape table = any_scheduler();
  add(table, "T_max", "Length of the half period; 0: from begin to end", shape::integer({0}),
      ConfigNode::integer(0));
  add(table, "eta_min", "Lowest rate", shape::number({0}), ConfigNode::number(0));
  add(table, "eta_min_ratio", "Lowest rate as a part of the base rate, instead of eta_min",
      shape::number({0}));
  table.rule.set("not", keywords({{"required", shape::words({"eta_min", "eta_min_ratio"})}}));
  return table;
}

}  // namespace

KeyShape param_scheduler_shape() {
  auto schedulers = std::make_shared<TableVariants>();
  schedulers->name = "scheduler";
  schedulers->note = "Which scheduler";
  schedulers->all = {scheduler("LinearLR", linear()), scheduler("ConstantLR", constant()),
                     scheduler("MultiStepLR", multi_step()), scheduler("CosineAnnealingLR", cosine()),
                     scheduler("QuadraticWarmupLR", any_scheduler())};
  std::string names;
  for (const TableVariant& variant : schedulers->all) names += (names.empty() ? "" : "|") + variant.name;
  schedulers->other_types = is_named(names);
  KeyShape shape;
  shape.key = "param_scheduler";
  shape.note = "Schedules of the learning rate, in the order in which they act; read by ParamSchedulerHook";
  shape.variants = std::move(schedulers);
  shape.form = KeyShape::Form::kListOrTable;
  return shape;
}

}  // namespace grapnel::runner
