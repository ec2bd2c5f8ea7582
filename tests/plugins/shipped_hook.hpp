// The conformance tool's in-memory host for one of this tree's own plugins, found by type in the build
// folder.
//
//   ShippedHookHost host;
//   host.state.max_epochs = 10;
//   ASSERT_TRUE(host.load("SetEpochInfoHook").ok());
//   host.state.epoch = 3;
//   EXPECT_TRUE(host.call("before_train_epoch").ok());
//   EXPECT_EQ(host.model_epoch, 3);
#pragma once

#include <string>

#include "conformance/in_memory_host.hpp"

namespace grapnel::testing {

using namespace grapnel::conformance;  // NOLINT: the tests' vocabulary is the host's
using Options = OptionTexts;

class ShippedHookHost : public InMemoryHost {
 public:
  // Loads <build>/plugins/TYPE.so and creates an instance. A host can hold several; they are called in this
  // order.
  CallResult load(const std::string& type, const Options& options = {},
                  const std::string& instance_key = "") {
    return load_file(std::string(GRAPNEL_BUILD_DIR) + "/plugins/" + type + ".so", options, instance_key);
  }
};

}  // namespace grapnel::testing
