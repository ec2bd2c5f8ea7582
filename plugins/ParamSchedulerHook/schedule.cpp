#include "schedule.hpp"

#include <grapnel/hook.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace grapnel::schedules {

namespace {

constexpr double kPi = 3.14159265358979323846;

std::string exact(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

// Step k of n, from start x base to end x base in equal steps.
double next_linear(double value, int64_t k, int64_t n, double start, double end) {
  if (k == 0) return value * start;
  const double before = static_cast<double>(n) * start + static_cast<double>(k - 1) * (end - start);
  return value * (1.0 + (end - start) / before);
}

// SGDR (Loshchilov and Hutter, 2017), eq. 5, as a recurrence.
double next_cosine(double value, double base, int64_t k, int64_t t_max, double low) {
  if (k == 0) return value;
  const double period = static_cast<double>(t_max);
  // Right after the minimum the recurrence would divide by zero: the closed form's difference takes its
  // place.
  if ((k - 1 - t_max) % (2 * t_max) == 0) return value + (base - low) * (1 - std::cos(kPi / period)) / 2;
  const double now = 1 + std::cos(kPi * static_cast<double>(k) / period);
  const double before = 1 + std::cos(kPi * static_cast<double>(k - 1) / period);
  return now / before * (value - low) + low;
}

}  // namespace

Schedule::Schedule(const ScheduleConfig& config, const RunLength& run)
    : config_(config), by_epoch_(config.by_epoch), t_max_(config.t_max), milestones_(config.milestones) {
  double begin = config.begin;
  double end = config.end.value_or(static_cast<double>(config.by_epoch ? run.max_epochs : run.max_iters));
  if (config.convert_to_iter_based) {
    if (run.epoch_length <= 0) {
      throw Error(config.path + ".convert_to_iter_based: the length of an epoch isn't known");
    }
    by_epoch_ = false;
    begin *= static_cast<double>(run.epoch_length);
    end *= static_cast<double>(run.epoch_length);
    t_max_ *= run.epoch_length;
    for (int64_t& milestone : milestones_) milestone *= run.epoch_length;
  }
  begin_ = static_cast<int64_t>(begin);
  end_ = static_cast<int64_t>(std::min(end, 9e15));
  if (end_ <= begin_) {
    throw Error(config.path + " (" + config.type + ") begins at " + std::to_string(begin_) + " and ends at " +
                std::to_string(end_) + (config.end ? "" : ", the end of the run") +
                ": it must end after it began");
  }
  if (t_max_ == 0) t_max_ = end_ - begin_;
  counters_.last_step = config.last_step;
}

double Schedule::next(double value, double base) const {
  const int64_t k = counters_.last_step;
  switch (config_.kind) {
    case Kind::kLinear:
      return next_linear(value, k, end_ - begin_ - 1, config_.start_factor, config_.end_factor);
    case Kind::kConstant:
      if (k == 0) return value * config_.factor;
      return k == end_ - begin_ - 1 ? value * (1.0 / config_.factor) : value;
    case Kind::kMultiStep: {
      const auto times = std::count(milestones_.begin(), milestones_.end(), k);
      return times == 0 ? value : value * std::pow(config_.gamma, static_cast<double>(times));
    }
    case Kind::kCosine: {
      const double low = config_.eta_min_ratio ? base * *config_.eta_min_ratio : config_.eta_min.value_or(0);
      return next_cosine(value, base, k, t_max_, low);
    }
    case Kind::kQuadraticWarmup: {
      const double length = static_cast<double>(end_ - begin_);
      const double rise = base * static_cast<double>(2 * k + 1) / (length * length);
      return k == 0 ? rise : value + rise;
    }
  }
  return value;
}

bool Schedule::step(const std::vector<double>& base, std::vector<double>& values) {
  ++counters_.global_step;
  if (counters_.global_step < begin_ || counters_.global_step >= end_) return false;
  ++counters_.last_step;
  // Rounding may leave a value that should be 0 a hair below it.
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::max(0.0, next(values[i], base[i]));
  return true;
}

std::string Schedule::description() const {
  std::string text = config_.type + (by_epoch_ ? " by epoch " : " by iteration ") + std::to_string(begin_) +
                     ".." + std::to_string(end_);
  switch (config_.kind) {
    case Kind::kLinear:
      return text + " " + exact(config_.start_factor) + " " + exact(config_.end_factor);
    case Kind::kConstant:
      return text + " " + exact(config_.factor);
    case Kind::kMultiStep:
      text += " " + exact(config_.gamma) + " at";
      for (const int64_t milestone : milestones_) text += " " + std::to_string(milestone);
      return text;
    case Kind::kCosine:
      return text + " T_max " + std::to_string(t_max_) + " eta_min " + exact(config_.eta_min.value_or(0)) +
             " ratio " + exact(config_.eta_min_ratio.value_or(-1));
    case Kind::kQuadraticWarmup:
      return text;
  }
  return text;
}

}  // namespace grapnel::schedules
