// `grapnel weights` as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "../cli/command.hpp"
#include "../core/temporary_folder.hpp"
#include "weights_files.hpp"

namespace grapnel::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kPythonFiles = std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/python_checkpoints/";

TEST(WeightsVerb, ListsWhatAFileHolds) {
  const CommandResult result = run_grapnel({"weights", kPythonFiles + "training.pth"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("conv.weight               float32   [3, 2, 2, 2]\n"),
                    HasSubstr("norm.num_batches_tracked  int64     []\n"),
                    HasSubstr("torch.save, zip, under 'model'; 7 tensors, 40 numbers, 164 bytes\n")));
}

TEST(WeightsVerb, ConvertsBetweenAllForms) {
  const TemporaryFolder folder;
  const auto convert = [&](const std::string& from, const std::string& to,
                           std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"weights", from, "--out", folder.file(to)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CommandResult result = run_grapnel(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return folder.file(to);
  };
  const std::string half =
      convert(kPythonFiles + "legacy_format.pth", "half.safetensors", {"--dtype", "float16"});
  const CommandResult listed = run_grapnel({"weights", convert(half, "again.pth", {"--dtype", "float32"})});
  EXPECT_THAT(listed.out, AllOf(HasSubstr("conv.weight               float32   [3, 2, 2, 2]"),
                                HasSubstr("int64"), HasSubstr("7 tensors, 40 numbers, 164 bytes")));
  const CommandResult listed_half = run_grapnel({"weights", half});
  EXPECT_THAT(listed_half.out,
              AllOf(HasSubstr("conv.weight               float16"), HasSubstr("safetensors; 7 tensors")));
}

TEST(WeightsVerb, GivesMmdetsTensorsMegviisNames) {
  const TemporaryFolder folder;
  runner::PickleWriter pickle;
  pickle.begin_dict();
  for (const char* name : {"neck.reduce_layers.0.conv.weight", "bbox_head.multi_level_conv_cls.2.bias",
                           "data_preprocessor.std"}) {
    pickle.string(name);
    pickle.tensor("FloatStorage", "0", {2});
  }
  pickle.end_dict();
  const std::string path = folder.write("mmdet.pth", torch_zip(pickle.finish(), std::string(8, '\0')));
  const CommandResult listed = run_grapnel({"weights", path});
  EXPECT_THAT(listed.out, AllOf(HasSubstr("= backbone.lateral_conv0.conv.weight"), HasSubstr("(not used)"),
                                HasSubstr("MMDetection's names")));
  EXPECT_EQ(run_grapnel({"weights", path, "--out", folder.file("own.safetensors")}).exit_code, 0);
  const CommandResult own = run_grapnel({"weights", folder.file("own.safetensors")});
  EXPECT_THAT(own.out, AllOf(HasSubstr("backbone.lateral_conv0.conv.weight  float32"),
                             HasSubstr("head.cls_preds.2.bias"), HasSubstr("2 tensors"),
                             Not(HasSubstr("data_preprocessor"))));
}

TEST(WeightsVerb, SaysWhatIsWrongInOneLine) {
  const TemporaryFolder folder;
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{kPythonFiles + "whole_module.pth"}, "torch.nn.modules.linear.Linear"},
      {{kPythonFiles + "make.py"}, "some other kind of file"},
      {{folder.file("none.pth")}, "No such file"},
      {{kPythonFiles + "state_dict.pth", "--out", folder.file("w.onnx")}, ".safetensors"},
      {{kPythonFiles + "state_dict.pth", "--dtype", "float16"}, "--out"}};
  for (const auto& [more, reason] : cases) {
    std::vector<std::string> arguments = {"weights"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CommandResult result = run_grapnel(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr(reason));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace grapnel::test
