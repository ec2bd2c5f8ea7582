// Weights between Python's torch and Grapnel, both ways, byte for byte: Python's own torch.save and
// torch.load are at the other end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "../cli/command.hpp"
#include "../core/temporary_folder.hpp"
#include "core/failure.hpp"
#include "memory_file.hpp"
#include "mutation.hpp"
#include "runner/checkpoint_file.hpp"
#include "runner/weights_export.hpp"
#include "runner/weights_file.hpp"
#include "tensor_lines.hpp"

namespace grapnel::runner {
namespace {

using test::lines_of;
using test::TemporaryFolder;
using ::testing::HasSubstr;

// Debian's Python, which has Debian's torch.
test::CommandResult run_script(const char* script, std::vector<std::string> arguments) {
  std::vector<std::string> command = {"/usr/bin/python3",
                                      std::string(GRAPNEL_SOURCE_DIR "/tests/weights/") + script};
  command.insert(command.end(), arguments.begin(), arguments.end());
  test::CommandOptions options;
  options.environment = {{"OMP_NUM_THREADS", "1"}};
  return test::run_command(command, options);
}

TEST(PythonWeights, WhatPythonSavesIsReadByteForByte) {
  const TemporaryFolder folder;
  const test::CommandResult saved = run_script("write_weights.py", {folder.path()});
  ASSERT_EQ(saved.exit_code, 0) << saved.err;
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().extension() != ".pth") continue;
    ++files;
    const std::string expected = test::read_file(entry.path().string() + ".txt");
    EXPECT_EQ(lines_of(read_weights(entry.path().string())), expected) << entry.path();
  }
  EXPECT_EQ(files, 8u);
  EXPECT_EQ(WeightsFile(folder.file("mmengine.pth")).key(), "state_dict");
  EXPECT_EQ(WeightsFile(folder.file("averaged.pth")).key(), "ema_state_dict");
  EXPECT_EQ(WeightsFile(folder.file("training_legacy.pth")).format(), "torch.save, before 1.6");
}

NamedTensors some_tensors() {
  torch::manual_seed(1);
  return {{"conv.weight", torch::randn({4, 3, 3, 3}).contiguous(torch::MemoryFormat::ChannelsLast)},
          {"conv.bias", torch::randn({4}).set_requires_grad(true)},
          {"transposed", torch::randn({2, 5}).t()},
          {"part", torch::arange(20, torch::kFloat32).slice(0, 3, 9)},
          {"count", torch::tensor(int64_t{1} << 40)},
          {"flags", torch::tensor({true, false, true})},
          {"bytes", torch::arange(7).to(torch::kUInt8)},
          {"empty", torch::zeros({0, 3})},
          {"half", torch::randn({3}).to(torch::kHalf)},
          {"bfloat16", torch::randn({3}).to(torch::kBFloat16)},
          {"double", torch::randn({2}, torch::kFloat64)}};
}

NamedTensors converted(NamedTensors tensors, c10::ScalarType dtype) {
  for (auto& [name, tensor] : tensors) {
    if (tensor.is_floating_point()) tensor = tensor.to(dtype);
  }
  return tensors;
}

TEST(PythonWeights, WhatGrapnelWritesIsReadByPythonByteForByte) {
  const TemporaryFolder folder;
  std::vector<std::string> paths;
  const auto note = [&](const std::string& name, const NamedTensors& tensors) {
    paths.push_back(folder.file(name));
    folder.write(name + ".txt", lines_of(tensors));
    EXPECT_EQ(lines_of(read_weights(paths.back())).size(), lines_of(tensors).size()) << name;
  };
  const NamedTensors tensors = some_tensors();
  for (const std::string ending : {".pth", ".safetensors"}) {
    export_weights(folder.file("w" + ending), tensors, std::nullopt);
    note("w" + ending, tensors);
    for (const auto dtype : {torch::kHalf, torch::kBFloat16, torch::kFloat32}) {
      const std::string name = std::string(c10::toString(dtype)) + ending;
      export_weights(folder.file(name), tensors, dtype);
      note(name, converted(tensors, dtype));
    }
  }
  Checkpoint checkpoint;
  checkpoint.state_dict = tensors;
  checkpoint.optimizer_type = "SGD";
  checkpoint.optimizer_tensors = {{"momentum_buffer/conv.weight", torch::randn({4, 3, 3, 3})}};
  checkpoint.metrics = {{"coco/bbox_mAP", 0.5}};
  checkpoint.meta_texts = {{"config", "a = 1"}};
  write_checkpoint(folder.file("epoch_1.pth"), checkpoint);
  note("epoch_1.pth", tensors);

  const test::CommandResult read = run_script("read_weights.py", paths);
  EXPECT_EQ(read.exit_code, 0) << read.err;
  EXPECT_EQ(read.out, "equal: 9\n");
}

TEST(PythonWeights, ExportTakesNoOtherEnding) {
  EXPECT_THAT(test::message_of<Failure>([] { export_weights("w.onnx", {}, std::nullopt); }),
              HasSubstr(".safetensors"));
}

// The same as weights_fuzz_test, with all that a run goes on from.
TEST(PythonWeights, AChangedCheckpointIsReadOrRefused) {
  const TemporaryFolder folder;
  Checkpoint checkpoint;
  checkpoint.state_dict = some_tensors();
  checkpoint.optimizer_type = "SGD";
  checkpoint.optimizer_groups = {{"weights", {{"lr", 0.1}}, {"conv.weight"}}};
  checkpoint.optimizer_steps = {{"conv.weight", 3}};
  checkpoint.message_hub.update_scalar("train/loss", 0.1);
  checkpoint.message_hub.set_text("exp", "name");
  checkpoint.hooks = {{"EMAHook",
                       "EMAHook",
                       "0.1.0",
                       {1, 2, 3},
                       {{"w", {GRAPNEL_DTYPE_FLOAT, 32, 1}, {2}, std::vector<uint8_t>(8)}}}};
  checkpoint.meta_texts = {{"config", "a = 1"}};
  checkpoint.rng_state = torch::zeros({16}, torch::kUInt8);
  const std::string path = folder.file("epoch_1.pth");
  write_checkpoint(path, checkpoint);
  const std::string whole = test::read_file(path);
  test::MemoryFile file;
  test::Mutation mutation(11);
  int refused = 0, read = 0;
  for (int i = 0; i < 1500; ++i) {
    try {
      read_checkpoint(file.write(mutation.of(whole)));
      ++read;
    } catch (const Failure& failure) {
      ++refused;
      EXPECT_EQ(failure.kind(), FailureKind::kConfig) << "round " << i;
      EXPECT_EQ(std::string(failure.what()).find('\n'), std::string::npos) << failure.what();
    } catch (const std::exception& error) {
      ADD_FAILURE() << "round " << i << ": " << error.what();
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(read, 0);
}

}  // namespace
}  // namespace grapnel::runner
