// The example that uses LibTorch through the bridge, against norms worked out by hand. Only the plugin is
// linked with LibTorch.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "conformance/in_memory_host.hpp"
#include "core/elf_probe.hpp"

namespace grapnel::test {
namespace {

using conformance::InMemoryHost;
using conformance::PlainTensor;
using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kPlugin = std::string(GRAPNEL_BUILD_DIR) + "/tests/examples/others/GradientNorms.so";

class GradientNorms : public ::testing::Test {
 protected:
  GradientNorms() {
    host_.state.mode = GRAPNEL_MODE_TRAIN;
    host_.modules = {{"", "Net", false, false, {}},
                     {"conv", "Conv2d", false, false, {}},
                     {"head", "Linear", false, false, {}}};
    // conv: 3 and 4 of a strided view, 12 of the bias: 13. head: 84. Together 85.
    host_.gradients.push_back(
        {"conv.weight", PlainTensor::floats({3, 0, 0, 4}, {2, 2}).column_major(3), 1, true});
    host_.gradients.push_back({"conv.bias", PlainTensor::doubles({-12}), 1, true});
    host_.gradients.push_back({"head.weight", PlainTensor::floats({84}), 2, true});
    PlainTensor none = PlainTensor::floats({1, 2});
    none.is_missing = true;
    host_.gradients.push_back({"unused", none, 0, true});
  }
  InMemoryHost host_;
};

TEST_F(GradientNorms, AreThoseOfEachLayerAndOfAll) {
  ASSERT_TRUE(host_.load_file(kPlugin, {{"interval", "1"}}));
  ASSERT_TRUE(host_.call("before_optimizer_step"));
  EXPECT_THAT(host_.scalars["grad_norm/conv"], ElementsAre(DoubleEq(13)));
  EXPECT_THAT(host_.scalars["grad_norm/head"], ElementsAre(DoubleEq(84)));
  EXPECT_THAT(host_.scalars["train/grad_norm"], ElementsAre(DoubleEq(85)));
  EXPECT_EQ(host_.scalars.count("grad_norm/model"), 0u) << "a parameter without a gradient was counted";
  EXPECT_THAT(host_.log_text(), HasSubstr("iteration 1: gradient norm 85; largest head 84, conv 13"));
}

TEST_F(GradientNorms, AreTakenEveryIntervalOnly) {
  ASSERT_TRUE(host_.load_file(kPlugin, {{"interval", "3"}, {"largest", "1"}}));
  for (host_.state.iter = 0; host_.state.iter < 7; ++host_.state.iter) {
    ASSERT_TRUE(host_.call("before_optimizer_step"));
  }
  EXPECT_EQ(host_.scalars["train/grad_norm"].size(), 2u);
  EXPECT_THAT(host_.log_text(), HasSubstr("iteration 6: gradient norm 85; largest head 84"));
}

TEST_F(GradientNorms, OfAModelWithoutGradientsAreZero) {
  host_.gradients.clear();
  ASSERT_TRUE(host_.load_file(kPlugin, {{"interval", "1"}}));
  ASSERT_TRUE(host_.call("before_optimizer_step"));
  EXPECT_THAT(host_.scalars["train/grad_norm"], ElementsAre(0.0));
}

// The host compares it with its own before it runs any of the file's code.
TEST_F(GradientNorms, PluginNamesTheLibTorchThatItWasBuiltAgainst) {
  const ElfReport report = probe_elf(kPlugin);
  EXPECT_TRUE(report.links_torch());
  EXPECT_THAT(report.torch_version, Not(IsEmpty()));
  EXPECT_THAT(report.exported, ElementsAre(GRAPNEL_ENTRY_SYMBOL));
}

}  // namespace
}  // namespace grapnel::test
