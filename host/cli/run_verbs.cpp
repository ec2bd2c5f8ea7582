// grapnel train, val, test.
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <spdlog/spdlog.h>

#include "cli/process_tuning.hpp"
#include "cli/session.hpp"
#include "cli/verbs.hpp"
#include "core/config_file.hpp"
#include "core/logging.hpp"

namespace grapnel::cli {
namespace {

struct RunArguments {
  std::string config;
  std::string work_dir;
  std::string checkpoint;
  std::string resume;
  bool resume_given = false;
  std::vector<std::string> overrides;
};

void print_evaluation(runner::Runner& runner) {
  std::printf("%s", runner.task().evaluation_table().c_str());
  for (const auto& [name, value] : runner.metrics()) std::printf("%-28s %.4f\n", name.c_str(), value);
  std::fflush(stdout);
}

void print_times(const HookHost& hooks) {
  const std::string times = hooks.time_table();
  if (!times.empty()) std::printf("\nTime in hooks\n%s", times.c_str());
}

runner::RunConfig load(const RunArguments& arguments) {
  auto overrides = arguments.overrides;
  if (!arguments.work_dir.empty()) {
    overrides.push_back("work_dir=" + ConfigNode::string(arguments.work_dir).to_json());
  }
  runner::RunConfig config = runner::read_run_config(load_config(arguments.config, overrides));
  if (arguments.resume_given) {
    config.resume = true;
    config.resume_from = arguments.resume;
  }
  if (!arguments.checkpoint.empty()) {
    config.load_from = arguments.checkpoint;
    config.resume = false;
  }
  return config;
}

int run(const RunArguments& arguments, Session::Loops loops) {
  runner::RunConfig config = load(arguments);
  set_up_logging({config.log_level});
  spdlog::info(tune_torch(config.threads));
  runner::catch_termination_signals();
  Session session(std::move(config), loops);
  spdlog::info("hooks, in the order they run:\n{}", session.hooks().order_table());

  runner::RunEnd end = runner::RunEnd::kDone;
  switch (loops) {
    case Session::Loops::kTrain: end = session.runner().train(); break;
    case Session::Loops::kVal: end = session.runner().val(); break;
    case Session::Loops::kTest: end = session.runner().test(); break;
  }
  print_evaluation(session.runner());
  print_times(session.hooks());
  if (end == runner::RunEnd::kInterrupted) {
    const std::string& saved = session.runner().last_checkpoint();
    spdlog::warn("stopped by a signal{}", saved.empty() ? std::string() : ": go on with --resume " + saved);
    return 3;
  }
  return 0;
}

}  // namespace

void add_run_verbs(CLI::App& app, Verb& verb, char** argv) {
  const auto add = [&](const char* name, const char* help, Session::Loops loops) {
    auto arguments = std::make_shared<RunArguments>();
    CLI::App* sub = app.add_subcommand(name, help);
    sub->add_option("CONFIG", arguments->config, "The run's TOML file")->required();
    sub->add_option("--set", arguments->overrides, "Overrides one key: custom_hooks.0.interval=10")
        ->type_name("KEY=VALUE")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    sub->add_option("--work-dir", arguments->work_dir, "Where logs and checkpoints go")->type_name("DIR");
    if (loops == Session::Loops::kTrain) {
      CLI::Option* resume = sub->add_option("--resume", arguments->resume,
                                            "Goes on from a checkpoint; without a file, from the newest one")
                                ->type_name("[CKPT]")->expected(0, 1);
      sub->callback([&verb, arguments, resume, loops, argv] {
        arguments->resume_given = resume->count() > 0;
        verb = [arguments, loops, argv] { tune_process(argv); return run(*arguments, loops); };
      });
    } else {
      sub->add_option("--checkpoint", arguments->checkpoint, "The weights to evaluate")->type_name("CKPT")->required();
      sub->callback([&verb, arguments, loops, argv] {
        verb = [arguments, loops, argv] { tune_process(argv); return run(*arguments, loops); };
      });
    }
  };
  add("train", "Trains as CONFIG says", Session::Loops::kTrain);
  add("val", "Evaluates a checkpoint on the validation data", Session::Loops::kVal);
  add("test", "Evaluates a checkpoint on the test data", Session::Loops::kTest);
}

}  // namespace grapnel::cli
