// grapnel-conformance FILE.so: does a plugin keep what the hook ABI asks of it? The same program runs each
// case in a process of its own, by calling itself.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include <grapnel/version.h>

#include "conformance/case_process.hpp"
#include "conformance/check_arguments.hpp"
#include "core/failure.hpp"

namespace {

int check(int argc, char** argv) {
  CLI::App app{"Checks a Grapnel plugin: named cases, each in a process of its own."};
  app.set_version_flag("--version", GRAPNEL_VERSION);
  grapnel::conformance::CheckArguments arguments;
  grapnel::conformance::add_check_arguments(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& wrong) {
    app.exit(wrong);
    return 2;
  }
  std::error_code error;
  const std::string itself = std::filesystem::read_symlink("/proc/self/exe", error).string();
  return grapnel::conformance::run_check(arguments, error ? argv[0] : itself, "grapnel-conformance");
}

}  // namespace

int main(int argc, char** argv) {
  if (grapnel::conformance::is_case_process(argc, argv)) grapnel::conformance::case_process_main(argc, argv);
  try {
    return check(argc, argv);
  } catch (const grapnel::Failure& failure) {
    std::fprintf(stderr, "grapnel-conformance: %s\n", failure.what());
    return 2;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "grapnel-conformance: %s\n", failure.what());
    return 2;
  }
}
