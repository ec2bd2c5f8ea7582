// A HookHost over one folder of foreign plugins, whose log lines the test reads.
#pragma once

#include <gmock/gmock.h>
#include <grapnel/services/log.h>
#include <spdlog/spdlog.h>

#include <string>
#include <utility>
#include <vector>

#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "core/hook_host.hpp"

namespace grapnel::test {

class ForeignRun {
 public:
  explicit ForeignRun(const std::string& folder)
      : catalog(PluginCatalog::scan({folder})), host(services(), this) {
    spdlog::set_level(spdlog::level::err);  // the folder holds files that are refused, too
  }

  // The hooks of [[custom_hooks]] tables, and no default ones.
  static std::vector<HookConfig> hooks(const std::string& toml) {
    return read_hook_configs(parse_toml(
        "[default_hooks]\nruntime_info = false\ntimer = false\nsampler_seed = false\nlogger = false\n"
        "param_scheduler = false\ncheckpoint = false\n" +
            toml,
        "demo.toml"));
  }
  static std::string hook(const std::string& type, const std::string& more = "") {
    return "[[custom_hooks]]\ntype = \"" + type + "\"\n" + more + "\n";
  }
  void load(const std::string& toml) { host.load(catalog, hooks(toml)); }
  // The message with which `toml` is refused.
  std::string refusal(const std::string& toml) {
    try {
      load(toml);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.kind(), FailureKind::kConfig);
      return failure.what();
    }
    return "it was loaded";
  }
  static grapnel_point_args at(int32_t point, int64_t iter = 41) {
    grapnel_point_args args{};
    args.point = point;
    args.mode = GRAPNEL_MODE_TRAIN;
    args.by_epoch = 1;
    args.epoch = 2;
    args.iter = iter;
    args.batch_idx = 3;
    args.max_epochs = 5;
    args.max_iters = 60;
    args.epoch_length = 12;
    return args;
  }
  void dispatch(int32_t point, int64_t iter = 41) { host.dispatch(at(point, iter)); }
  // What was logged since the last call.
  std::vector<std::string> news() { return std::exchange(lines_, {}); }

  PluginCatalog catalog;

 private:
  static void write(const grapnel_host* host, int32_t, const char* text) {
    static_cast<ForeignRun*>(context_of(host))->lines_.emplace_back(text);
  }
  static int32_t is_enabled(const grapnel_host*, int32_t) { return 1; }
  ServiceTable services() const {
    ServiceTable table;
    table.add(GRAPNEL_SERVICE_LOG, &log_);
    return table;
  }
  const grapnel_log_service log_{sizeof(grapnel_log_service), 0, &write, &is_enabled};
  std::vector<std::string> lines_;

 public:
  HookHost host;  // last: what it destroys still logs
};

}  // namespace grapnel::test
