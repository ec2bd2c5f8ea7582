// What the cases that create hooks share: the loaded plugin, option values that its create accepts, hosts
// that are furnished for a plan, and runs.
//
// Which options are tried, as fairly as a stranger can: the defaults first (with drawn values for what is
// required), then drawn ones. create may refuse values with a message; then a case goes on with others. If it
// refuses every draw and options are required, their meaning cannot be guessed: the cases are not applicable,
// say so with the hook's own message, and --set or --options gives values that make sense. A hook all of
// whose options have defaults must take these: create_and_destroy fails if it does not.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conformance/legal_run.hpp"
#include "conformance/plugin_under_test.hpp"

namespace grapnel::conformance {

class Trial {
 public:
  explicit Trial(const CaseInput& input);

  const PluginUnderTest& plugin() const { return plugin_; }
  const CaseInput& input() const { return input_; }

  // The n-th set of option values that create accepts; 0 is the nearest to the defaults. Throws CaseEnded
  // when there is none.
  const ConfigNode& options(size_t n);
  // The n-th that is tried, accepted or not: 0 the defaults, 1 and 2 the ends of what the table allows, then
  // drawn ones.
  ConfigNode draw(size_t n) const;
  bool has_required_options() const;

  // A host in a folder of its own, furnished for the plan. It stays until the process ends: a hook that calls
  // it too late is another case's subject.
  InMemoryHost& host_for(const RunPlan& plan);
  // The same in a folder that others had before, for cases that make thousands.
  InMemoryHost& host_in(const std::string& folder, const RunPlan& plan);
  // The same, for the caller to keep and destroy.
  std::unique_ptr<InMemoryHost> make_host(const RunPlan& plan, const std::string& folder);

  // Creates an instance with options `n`, if it can.
  CallResult create(InMemoryHost& host, const ConfigNode& values, const std::string& key = "") const;
  RunPlan plan(size_t number) const { return draw_plan(input_.seed, number); }

  // One hook, one run, destroyed: for cases that look at something else than the outcome. A resumed run, if
  // `resumes`, goes on from the first one's last checkpoint with a new hook in a new host. `prepare` changes
  // each host before its hook is created.
  using Prepare = std::function<void(InMemoryHost&)>;
  std::vector<InMemoryHost*> live(const RunPlan& plan, const ConfigNode& values, bool resumes,
                                  const Prepare& prepare);

 private:
  CallResult try_options(const ConfigNode& values);

  const CaseInput& input_;
  PluginUnderTest plugin_;
  std::vector<ConfigNode> accepted_;
  size_t hosts_ = 0;
};

// Lines of a recording, without what names the run's own folder.
std::string recorded_text(const std::vector<std::string>& lines, const std::string& work_dir);

}  // namespace grapnel::conformance
