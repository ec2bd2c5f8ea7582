// A HookHost over the plugins of one folder, with small services that write down, instance by instance, what
// each hook did.
#pragma once

#include <gmock/gmock.h>
#include <grapnel/grapnel.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "core/hook_host.hpp"

namespace grapnel::test {

class ExampleHost : public ::testing::Test {
 protected:
  // `kind` is the folder under <build>/tests/examples.
  explicit ExampleHost(const std::string& kind)
      : catalog_(PluginCatalog::scan({std::string(GRAPNEL_BUILD_DIR) + "/tests/examples/" + kind})) {
    services_.add(GRAPNEL_SERVICE_LOG, &log_);
    services_.add(GRAPNEL_SERVICE_VALUES, &values_);
    services_.add(GRAPNEL_SERVICE_RUNNER, &runner_);
    services_.add(GRAPNEL_SERVICE_MESSAGE_HUB, &message_hub_);
    spdlog::set_level(spdlog::level::off);
  }
  ~ExampleHost() override { spdlog::set_level(spdlog::level::info); }

  // One custom hook a type, in this order, each with `options` (TOML).
  static std::vector<HookConfig> configs(const std::vector<std::string>& types,
                                         const std::string& options = "") {
    std::string toml =
        "[default_hooks]\nruntime_info = false\ntimer = false\nsampler_seed = false\nlogger = false\n"
        "param_scheduler = false\ncheckpoint = false\n";
    for (const auto& type : types) toml += "[[custom_hooks]]\ntype = \"" + type + "\"\n" + options + "\n";
    return read_hook_configs(parse_toml(toml, "demo.toml"));
  }
  static grapnel_point_args at(int32_t point, int64_t iter) {
    grapnel_point_args args{};
    args.point = point;
    args.mode = GRAPNEL_MODE_TRAIN;
    args.by_epoch = 1;
    args.iter = iter;
    args.batch_idx = iter;
    args.max_epochs = 1;
    args.max_iters = 100;
    args.epoch_length = 100;
    return args;
  }

  double loss_ = 0;                                          // OUTPUTS "loss"
  std::map<std::string, std::vector<std::string>> effects_;  // by instance key
  ServiceTable services_;
  PluginCatalog catalog_;

 private:
  static ExampleHost& self(const grapnel_host* host) { return *static_cast<ExampleHost*>(context_of(host)); }
  static void note(const grapnel_host* host, const std::string& effect) {
    self(host).effects_[host->instance_key].push_back(effect);
  }

  static void write(const grapnel_host* host, int32_t level, const char* text) {
    note(host, "log " + std::to_string(level) + ": " + text);
  }
  static grapnel_status get_number(const grapnel_host* host, int32_t group, const char* name, double* number,
                                   grapnel_error* error) {
    if (group != GRAPNEL_VALUES_OUTPUTS || std::string(name) != "loss") {
      std::snprintf(error->text, error->capacity, "no value %s", name);
      return error->code = GRAPNEL_STATUS_NOT_FOUND;
    }
    *number = self(host).loss_;
    return GRAPNEL_STATUS_OK;
  }
  static grapnel_status request_skip_step(const grapnel_host* host, const char* reason, grapnel_error*) {
    note(host, std::string("skip: ") + reason);
    return GRAPNEL_STATUS_OK;
  }
  static grapnel_status update_scalar(const grapnel_host* host, const char* key, double value,
                                      grapnel_error*) {
    note(host, std::string(key) + " = " + std::to_string(value));
    return GRAPNEL_STATUS_OK;
  }

  template <class Table>
  static Table sized() {
    Table table{};
    table.struct_size = sizeof table;
    return table;
  }
  grapnel_log_service log_{sizeof(grapnel_log_service), 0, &write,
                           [](const grapnel_host*, int32_t) { return 1; }};
  grapnel_values_service values_ = [] {
    auto table = sized<grapnel_values_service>();
    table.get_number = &get_number;
    return table;
  }();
  grapnel_runner_service runner_ = [] {
    auto table = sized<grapnel_runner_service>();
    table.request_skip_step = &request_skip_step;
    return table;
  }();
  grapnel_message_hub_service message_hub_ = [] {
    auto table = sized<grapnel_message_hub_service>();
    table.update_scalar = &update_scalar;
    return table;
  }();
};

}  // namespace grapnel::test
