// The networks of the recipes: as many parameters as Megvii's, and no decay of norm layers and biases.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>
#include <map>
#include <sstream>

#include "runner/optimizer.hpp"
#include "tasks/detection/detection_task.hpp"

namespace grapnel::detection {
namespace {

// variant -> parameters; the table's second and third column.
std::map<std::string, int64_t> recorded() {
  std::ifstream file(std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/recipes/recipes.tsv");
  std::map<std::string, int64_t> counts;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::stringstream cells(line);
    std::string config, variant;
    int64_t count = 0;
    cells >> config >> variant >> count;
    counts[variant] = count;
  }
  return counts;
}

TEST(RecipeNetworks, HaveMegviisParametersAndDecayOfTheWeightsAlone) {
  const auto counts = recorded();
  ASSERT_EQ(counts.size(), 6U);
  for (const auto& [variant, expected] : counts) {
    SCOPED_TRACE(variant);
    const ConfigNode model =
        ConfigNode::table({{"type", ConfigNode::string("YOLOX")}, {"variant", ConfigNode::string(variant)}});
    DetectionTask task(model, "model");
    runner::OptimizerConfig config;
    config.lr = 0.01;
    config.weight_decay = 5e-4;
    const runner::Optimizer optimizer(
        config, runner::paramwise_groups(task.model(), task.parameter_groups(), config));
    int64_t count = 0;
    size_t index = 0;
    for (size_t group = 0; group < optimizer.group_count(); ++group) {
      for (size_t i = 0; i < optimizer.parameter_count(group); ++i, ++index) {
        const auto& [name, parameter] = optimizer.parameters()[index];
        count += parameter.numel();
        // Weights of convolutions are the only ones with more than one dimension.
        EXPECT_EQ(optimizer.weight_decay(group), parameter.dim() == 4 ? 5e-4 : 0) << name;
      }
    }
    EXPECT_EQ(index, task.model().parameters().size());
    EXPECT_EQ(count, expected);
  }
}

}  // namespace
}  // namespace grapnel::detection
