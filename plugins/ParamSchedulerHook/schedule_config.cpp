#include "schedule_config.hpp"

#include <cmath>

#include "../json/table.hpp"

namespace grapnel::schedules {

namespace {

struct KindName {
  const char* name;
  Kind kind;
};
constexpr KindName kKinds[] = {{"LinearLR", Kind::kLinear},
                               {"ConstantLR", Kind::kConstant},
                               {"MultiStepLR", Kind::kMultiStep},
                               {"CosineAnnealingLR", Kind::kCosine},
                               {"QuadraticWarmupLR", Kind::kQuadraticWarmup}};

Kind kind_of(const json::Table& table, const std::string& type) {
  // MMDetection's configs also write the registry's scope: "mmdet.QuadraticWarmupLR".
  const std::string name = type.substr(type.rfind('.') + 1);
  std::vector<std::string> known;
  for (const auto& row : kKinds) {
    if (name == row.name) return row.kind;
    known.emplace_back(row.name);
  }
  throw Error(table.path_of("type") + " = " + json::quote(type) + " is no known scheduler" +
              json::suggestion(name, known));
}

// A factor that later steps divide by: 0 would end in 0/0.
double read_factor(json::Table& table, const char* name, double fallback, bool may_be_zero) {
  const double value = table.number(name).value_or(fallback);
  if (value > 1 || value < 0 || (value == 0 && !may_be_zero)) {
    table.wrong(name, may_be_zero ? "must be from 0 to 1" : "must be above 0 and at most 1");
  }
  return value;
}

void read_own_options(json::Table& table, ScheduleConfig& config) {
  switch (config.kind) {
    case Kind::kLinear:
      config.start_factor = read_factor(table, "start_factor", config.start_factor, false);
      config.end_factor = read_factor(table, "end_factor", config.end_factor, true);
      return;
    case Kind::kConstant:
      config.factor = read_factor(table, "factor", config.factor, false);
      return;
    case Kind::kMultiStep: {
      const auto milestones = table.integers("milestones");
      if (!milestones) table.missing("milestones");
      config.milestones = *milestones;
      for (size_t i = 0; i < config.milestones.size(); ++i) {
        if (config.milestones[i] < 0) table.wrong("milestones", "must hold no negative number");
        if (i > 0 && config.milestones[i] < config.milestones[i - 1]) {
          table.wrong("milestones", "must be in ascending order");
        }
      }
      config.gamma = table.number("gamma").value_or(config.gamma);
      if (!(config.gamma >= 0) || !std::isfinite(config.gamma)) table.wrong("gamma", "must not be negative");
      return;
    }
    case Kind::kCosine:
      config.t_max = table.integer("T_max").value_or(0);
      if (config.t_max < 0) table.wrong("T_max", "must not be negative");
      config.eta_min = table.number("eta_min");
      config.eta_min_ratio = table.number("eta_min_ratio");
      if (config.eta_min && config.eta_min_ratio) {
        table.wrong("eta_min_ratio", "cannot be given together with eta_min");
      }
      if (config.eta_min.value_or(0) < 0) table.wrong("eta_min", "must not be negative");
      if (config.eta_min_ratio.value_or(0) < 0) table.wrong("eta_min_ratio", "must not be negative");
      return;
    case Kind::kQuadraticWarmup:
      return;
  }
}

void read_range(json::Table& table, ScheduleConfig& config) {
  config.by_epoch = table.boolean("by_epoch").value_or(true);
  config.convert_to_iter_based = table.boolean("convert_to_iter_based").value_or(false);
  if (config.convert_to_iter_based && !config.by_epoch) {
    table.wrong("convert_to_iter_based", "needs by_epoch = true: only epochs can be converted to iterations");
  }
  config.begin = table.number("begin").value_or(0);
  config.end = table.number("end");
  // Only a conversion may give parts of an epoch.
  const auto is_whole = [](double value) { return value == std::floor(value); };
  const char* whole = "must be a whole number (parts of an epoch need convert_to_iter_based = true)";
  if (config.begin < 0) table.wrong("begin", "must not be negative");
  if (!config.convert_to_iter_based && !is_whole(config.begin)) table.wrong("begin", whole);
  if (!config.convert_to_iter_based && config.end && !is_whole(*config.end)) table.wrong("end", whole);
  if (config.end && *config.end <= config.begin) table.wrong("end", "must be above begin");
  config.last_step = table.integer("last_step").value_or(-1);
  if (config.last_step < -1) table.wrong("last_step", "must be -1 or more");
  config.verbose = table.boolean("verbose").value_or(false);
}

ScheduleConfig read_one(const json::Value& value, const std::string& path) {
  json::Table table(value, path);
  ScheduleConfig config;
  config.path = path;
  const auto type = table.text("type");
  if (!type) table.missing("type");
  config.type = *type;
  config.kind = kind_of(table, *type);
  read_range(table, config);
  read_own_options(table, config);
  table.refuse_unknown();
  return config;
}

}  // namespace

std::vector<ScheduleConfig> read_schedules(const json::Value& value, const std::string& path) {
  if (value.is_null()) return {};
  if (value.is_object()) return {read_one(value, path)};
  if (!value.is_array()) {
    throw Error(path + " is " + value.described() + ", expected a list of scheduler tables");
  }
  std::vector<ScheduleConfig> configs;
  for (const auto& item : value.items()) {
    configs.push_back(read_one(item, path + "." + std::to_string(configs.size())));
  }
  return configs;
}

}  // namespace grapnel::schedules
