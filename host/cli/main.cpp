// The command line: one verb a file, one place where a failure becomes a message and an exit code.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <new>

#include <grapnel/version.h>

#include "cli/verbs.hpp"
#include "core/failure.hpp"
#include "core/hook_host.hpp"

namespace {

int run(int argc, char** argv) {
  CLI::App app{"Grapnel trains models with LibTorch; everything around a training step is a hook."};
  app.set_version_flag("--version", GRAPNEL_VERSION);
  app.require_subcommand(1);
  app.fallthrough(false);

  grapnel::cli::Verb verb;
  grapnel::cli::add_run_verbs(app, verb, argv);
  grapnel::cli::add_predict_verb(app, verb, argv);
  grapnel::cli::add_hooks_verbs(app, verb);
  grapnel::cli::add_config_verbs(app, verb);
  grapnel::cli::add_data_verbs(app, verb);
  grapnel::cli::add_coco_eval_verb(app, verb);
  grapnel::cli::add_weights_verb(app, verb);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& wrong) {
    app.exit(wrong);
    return 2;
  }
  return verb ? verb() : 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    grapnel::report_crashes_in_hooks();
    return run(argc, argv);
  } catch (const grapnel::Failure& failure) {
    std::fprintf(stderr, "grapnel: %s\n", failure.what());
    return static_cast<int>(failure.kind());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "grapnel: out of memory (a smaller batch_size, image size or cache_mb may help)\n");
    return 1;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "grapnel: %s\n", failure.what());
    return 1;
  }
}
