// Runs Megvii's code beside ours, where GRAPNEL_MEGVII_YOLOX names a checkout of it, and compares whole
// tensors in float64: outputs, every gradient, the running statistics, and how far ten steps have moved
// every weight and its average.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "network_run.hpp"

namespace grapnel::equality {
namespace {

namespace fs = std::filesystem;

class BesideMegvii : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!std::getenv("GRAPNEL_MEGVII_YOLOX")) {
      GTEST_SKIP() << "GRAPNEL_MEGVII_YOLOX is not set: it names a checkout of Megvii's YOLOX";
    }
    folder_ = fs::temp_directory_path() / ("grapnel_megvii_" + std::to_string(getpid()));
    const std::string command =
        std::string("/usr/bin/python3 " GRAPNEL_SOURCE_DIR "/tests/equality/record_megvii.py --variant ") +
        GetParam() + " --whole " + folder_.string();
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    theirs_ = read_whole(folder_.string());
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  void expect_same(const std::string& group, const TensorsByName& ours, double tolerance) const {
    size_t of_group = 0;
    for (const auto& item : theirs_) of_group += item.first.rfind(group + "/", 0) == 0 ? 1 : 0;
    EXPECT_EQ(ours.size(), of_group) << group;
    double worst = 0;
    for (const auto& [name, tensor] : ours) {
      const auto found = theirs_.find(group + "/" + name);
      ASSERT_NE(found, theirs_.end()) << group << " " << name;
      const WholeTensor& whole = found->second;
      ASSERT_EQ(tensor.sizes().vec(), whole.shape) << name;
      const torch::Tensor expected =
          torch::from_blob(const_cast<double*>(whole.values.data()), whole.shape, torch::kDouble);
      // Weights that no box has reached move by their own rounding alone: 1e-13.
      const double scale = std::max(expected.abs().max().item<double>(), 1e-13 / tolerance);
      const double difference =
          (tensor.detach().to(torch::kDouble) - expected).abs().max().item<double>() / scale;
      EXPECT_LE(difference, tolerance) << group << " " << name;
      worst = std::max(worst, difference);
    }
    RecordProperty(group + "_largest_difference", std::to_string(worst));
    std::printf("%s: largest difference %.1e of a tensor's largest element\n", group.c_str(), worst);
  }

  fs::path folder_;
  std::map<std::string, WholeTensor> theirs_;
};

// The tolerances' reasons are those of yolox_numbers_test.cpp; single elements differ by more than norms do.
TEST_P(BesideMegvii, EveryElementAgreesInFloat64) {
  NetworkRun run(GetParam(), torch::kDouble);
  expect_same("eval", run.evaluate(), 1e-10);
  const Numbers numbers =
      read_numbers(std::string(GRAPNEL_SOURCE_DIR "/tests/golden/yolox/") + GetParam() + "/numbers.json");
  run.forward_in_training(false);
  expect_same("statistics", run.statistics(), 1e-10);
  expect_same("gradients_no_l1", run.gradients(false), 1e-5);
  expect_same("gradients_l1", run.gradients(true), 1e-5);
  const NetworkRun::Stepped stepped = NetworkRun(GetParam(), torch::kDouble).train(numbers.steps);
  expect_same("stepped", stepped.way, 1e-2);
  expect_same("averaged", stepped.average_way, 1e-2);
}

INSTANTIATE_TEST_SUITE_P(Megvii, BesideMegvii, testing::Values("tiny", "s"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace grapnel::equality
