// grapnel hooks check: the conformance cases, with this program's LibTorch to compare with.
#include <torch/version.h>

#include <memory>
#include <string>

#include "cli/verbs.hpp"
#include "conformance/check_arguments.hpp"
#include "core/failure.hpp"

namespace grapnel::cli {
namespace {

int check(conformance::CheckArguments arguments) {
  const std::string program = conformance::conformance_program();
  if (program.empty() && !arguments.list) {
    throw Failure(FailureKind::kConfig,
                  {"cannot run the conformance cases", "", "no program grapnel-conformance",
                   "one beside this program", "install Grapnel's host whole"});
  }
  if (arguments.torch_version.empty()) arguments.torch_version = TORCH_VERSION;
  return conformance::run_check(arguments, program, "grapnel hooks check");
}

}  // namespace

void add_hooks_check_verb(CLI::App& hooks, Verb& verb) {
  auto arguments = std::make_shared<conformance::CheckArguments>();
  CLI::App* sub =
      hooks.add_subcommand("check", "Runs the conformance cases on a plugin, each in its own process");
  conformance::add_check_arguments(*sub, *arguments);
  sub->callback([&verb, arguments] { verb = [arguments] { return check(*arguments); }; });
}

}  // namespace grapnel::cli
