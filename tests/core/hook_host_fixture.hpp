// A HookHost over the plugins of tests/faulty_plugins, with the journal service that recorder.c writes into.
#pragma once

#include <gmock/gmock.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "../faulty_plugins/journal.h"
#include "core/config_text.hpp"
#include "core/failure.hpp"
#include "core/hook_host.hpp"
#include "faulty_plugin_files.hpp"

namespace grapnel::test {

class HookHostFixture : public ::testing::Test {
 protected:
  HookHostFixture() : catalog_(PluginCatalog::scan({faulty_folder()})) {
    services_.add(JOURNAL_SERVICE, &service_);
    // The folder is full of broken files, and each load would warn of all of them.
    spdlog::set_level(spdlog::level::err);
  }

  // The config's custom hooks alone.
  static std::vector<HookConfig> hooks(const std::string& toml) {
    return read_hook_configs(parse_toml(
        "[default_hooks]\nruntime_info = false\ntimer = false\nsampler_seed = false\nlogger = false\n"
        "param_scheduler = false\ncheckpoint = false\n" +
            toml,
        "demo.toml"));
  }
  // One [[custom_hooks]] of type Recorder; `more` is further TOML.
  static std::string recorder(const std::string& label, const std::string& more = "") {
    return "[[custom_hooks]]\ntype = \"Recorder\"\nlabel = \"" + label + "\"\n" + more + "\n";
  }
  static std::string plain(const std::string& type, const std::string& more = "") {
    return "[[custom_hooks]]\ntype = \"" + type + "\"\n" + more + "\n";
  }
  static grapnel_point_args at(int32_t point) {
    grapnel_point_args args{};
    args.point = point;
    args.mode = GRAPNEL_MODE_TRAIN;
    args.by_epoch = 1;
    args.epoch = 2;
    args.iter = 41;
    args.batch_idx = 3;
    return args;
  }

  std::vector<std::string> journal_;

  ServiceTable services_;
  PluginCatalog catalog_;

 private:
  static void write(const grapnel_host* host, const char* text) {
    static_cast<HookHostFixture*>(context_of(host))->journal_.emplace_back(text);
  }
  journal_service service_{sizeof(journal_service), 0, &write};
};

}  // namespace grapnel::test
