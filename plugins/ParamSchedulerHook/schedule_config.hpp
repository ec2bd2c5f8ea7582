// One table of `param_scheduler`, read and checked: MMEngine's option names and defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../json/json.hpp"

namespace grapnel::schedules {

enum class Kind { kLinear, kConstant, kMultiStep, kCosine, kQuadraticWarmup };

struct ScheduleConfig {
  std::string path;  // "param_scheduler.0"
  std::string type;  // "LinearLR"
  Kind kind = Kind::kLinear;

  // In epochs, or in iterations when by_epoch is false.
  double begin = 0;
  std::optional<double> end;  // empty: the run's end
  bool by_epoch = true;
  bool convert_to_iter_based = false;
  int64_t last_step = -1;
  bool verbose = false;

  double start_factor = 1.0 / 3;  // LinearLR
  double end_factor = 1.0;
  double factor = 1.0 / 3;          // ConstantLR
  std::vector<int64_t> milestones;  // MultiStepLR
  double gamma = 0.1;
  int64_t t_max = 0;  // CosineAnnealingLR; 0: end - begin
  std::optional<double> eta_min;
  std::optional<double> eta_min_ratio;
};

// `value` is a list of tables or one table. grapnel::Error names the path and the nearest known type or
// option.
std::vector<ScheduleConfig> read_schedules(const json::Value& value, const std::string& path);

}  // namespace grapnel::schedules
