#include "runner/checkpoint_file.hpp"

#include <caffe2/serialize/inline_container.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "../core/temporary_folder.hpp"
#include "core/failure.hpp"
#include "runner/tensor_archive.hpp"

namespace grapnel::runner {
namespace {

using test::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSubsetOf;
using ::testing::SizeIs;

const std::string kPythonFiles = std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/python_checkpoints/";

// Bits, not values: NaN equals itself, 0 differs from -0.
void expect_same(const torch::Tensor& got, const torch::Tensor& expected, const std::string& name) {
  ASSERT_EQ(got.defined(), expected.defined()) << name;
  if (!expected.defined()) return;
  ASSERT_EQ(got.scalar_type(), expected.scalar_type()) << name;
  ASSERT_EQ(got.sizes(), expected.sizes()) << name;
  const torch::Tensor a = got.contiguous(), b = expected.detach().contiguous();
  EXPECT_EQ(std::memcmp(a.data_ptr(), b.data_ptr(), b.nbytes()), 0) << name;
}

void expect_same(const NamedTensors& got, const NamedTensors& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].first, expected[i].first);
    expect_same(got[i].second, expected[i].second, expected[i].first);
  }
}

HookState::Tensor hook_tensor(const std::string& name, grapnel_dtype dtype, std::vector<int64_t> shape,
                              size_t bytes) {
  HookState::Tensor tensor{name, dtype, std::move(shape), {}};
  for (size_t i = 0; i < bytes; ++i) tensor.bytes.push_back(static_cast<uint8_t>(i * 37 + 250));
  return tensor;
}

Checkpoint full_checkpoint() {
  torch::manual_seed(3);
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  Checkpoint checkpoint;
  torch::Tensor base = torch::arange(10, torch::kFloat32);
  checkpoint.state_dict = {
      {"conv.weight",
       torch::randn({4, 3, 3, 3}).contiguous(torch::MemoryFormat::ChannelsLast).set_requires_grad(true)},
      {"norm.num_batches_tracked", torch::tensor(int64_t{1} << 40)},
      {"odd", torch::tensor({0.0f, -0.0f, std::numeric_limits<float>::quiet_NaN(), 1e-42f,
                             -std::numeric_limits<float>::infinity()})},
      {"half", torch::randn({3}).to(torch::kHalf)},
      {"bfloat", torch::randn({3}).to(torch::kBFloat16)},
      {"flag", torch::tensor({true, false})},
      {"bytes", torch::arange(256).to(torch::kUInt8)},
      {"double", torch::randn({2, 2}, torch::kFloat64)},
      {"int", torch::tensor({-5, 7}, torch::kInt32)},
      {"empty", torch::zeros({0, 4})},
      {"view", base.slice(0, 2, 6)},
      {"transposed", torch::randn({2, 5}).t()},
      {"undefined", torch::Tensor()},
  };
  checkpoint.optimizer_type = "SGD";
  checkpoint.optimizer_groups = {
      {"weights", {{"lr", 0.1}, {"momentum", 0.9}, {"weight_decay", 5e-4}}, {"conv.weight", "b"}},
      {"biases", {{"lr", -0.0}, {"eps", 1e-300}}, {}}};
  checkpoint.optimizer_tensors = {{"momentum_buffer/conv.weight", torch::randn({4, 3, 3, 3})}};
  checkpoint.optimizer_steps = {{"conv.weight", 12}, {"b", int64_t{1} << 33}};
  checkpoint.epoch = 3;
  checkpoint.iter = 12345678901;
  checkpoint.epoch_batch = 17;
  checkpoint.accumulated = 1;
  checkpoint.gradients = {{"conv.weight", torch::randn({4, 3, 3, 3})}};
  checkpoint.validation_due = true;
  checkpoint.seed = -4;
  checkpoint.meta_texts = {{"config", "a = \"b\"\n# ü\n"}, {"empty", ""}};
  checkpoint.metrics = {{"z/first", 0.1}, {"coco/bbox_mAP", kNaN}};
  checkpoint.message_hub.update_scalar("train/loss", 0.1);
  checkpoint.message_hub.update_scalar("train/lr", 1.0 / 3);
  checkpoint.message_hub.update_scalar("train/loss", kNaN);
  checkpoint.message_hub.restore_scalar("long", {1, 2, 3}, 40000);
  checkpoint.message_hub.set_text("exp", "name");
  HookState ema{"EMAHook", "EMAHook", "0.1.0", {0, 255, 7}, {}};
  ema.tensors = {hook_tensor("f32", {GRAPNEL_DTYPE_FLOAT, 32, 1}, {2, 3}, 24),
                 hook_tensor("i64", {GRAPNEL_DTYPE_INT, 64, 1}, {}, 8),
                 hook_tensor("u8", {GRAPNEL_DTYPE_UINT, 8, 1}, {0}, 0),
                 hook_tensor("u16 has no LibTorch type", {GRAPNEL_DTYPE_UINT, 16, 1}, {3}, 6)};
  checkpoint.hooks = {ema, {"EarlyStoppingHook_1", "EarlyStoppingHook", "2.0.0", {}, {}}};
  checkpoint.rng_state = at::detail::getDefaultCPUGenerator().get_state();
  return checkpoint;
}

void expect_same_values(const MessageHub& got, const MessageHub& expected) {
  EXPECT_EQ(got.scalar_keys(), expected.scalar_keys());
  EXPECT_EQ(got.texts(), expected.texts());
  for (const std::string& key : expected.scalar_keys()) {
    const auto& a = got.scalar(key)->values();
    const auto& b = expected.scalar(key)->values();
    EXPECT_EQ(got.scalar(key)->update_count(), expected.scalar(key)->update_count()) << key;
    ASSERT_EQ(a.size(), b.size()) << key;
    for (size_t i = 0; i < a.size(); ++i)
      EXPECT_EQ(std::memcmp(&a[i], &b[i], sizeof a[i]), 0) << key << " " << i;
  }
}

void expect_same(const std::vector<HookState>& got, const std::vector<HookState>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].key, expected[i].key);
    EXPECT_EQ(got[i].type, expected[i].type);
    EXPECT_EQ(got[i].plugin_version, expected[i].plugin_version);
    EXPECT_EQ(got[i].bytes, expected[i].bytes);
    ASSERT_EQ(got[i].tensors.size(), expected[i].tensors.size());
    for (size_t t = 0; t < got[i].tensors.size(); ++t) {
      const auto &a = got[i].tensors[t], &b = expected[i].tensors[t];
      EXPECT_EQ(a.name, b.name);
      EXPECT_EQ(a.shape, b.shape) << b.name;
      EXPECT_EQ(a.bytes, b.bytes) << b.name;
      EXPECT_EQ(std::make_tuple(a.dtype.code, a.dtype.bits, a.dtype.lanes),
                std::make_tuple(b.dtype.code, b.dtype.bits, b.dtype.lanes))
          << b.name;
    }
  }
}

TEST(CheckpointFile, ComesBackBitForBit) {
  const TemporaryFolder folder;
  const std::string path = folder.file("epoch_3.pth");
  const Checkpoint written = full_checkpoint();
  write_checkpoint(path, written);
  const Checkpoint read = read_checkpoint(path);
  expect_same(read.state_dict, written.state_dict);
  EXPECT_EQ(read.optimizer_type, written.optimizer_type);
  ASSERT_EQ(read.optimizer_groups.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.optimizer_groups[i].name, written.optimizer_groups[i].name);
    EXPECT_EQ(read.optimizer_groups[i].options, written.optimizer_groups[i].options);
    EXPECT_EQ(read.optimizer_groups[i].parameters, written.optimizer_groups[i].parameters);
  }
  EXPECT_TRUE(std::signbit(read.optimizer_groups[1].options.at("lr")));
  expect_same(read.optimizer_tensors, written.optimizer_tensors);
  EXPECT_EQ(read.optimizer_steps, written.optimizer_steps);
  expect_same(read.gradients, written.gradients);
  EXPECT_EQ(read.epoch, 3);
  EXPECT_EQ(read.iter, 12345678901);
  EXPECT_EQ(read.epoch_batch, 17);
  EXPECT_EQ(read.accumulated, 1);
  EXPECT_TRUE(read.validation_due);
  EXPECT_EQ(read.seed, -4);
  EXPECT_EQ(read.meta_texts, written.meta_texts);
  ASSERT_THAT(read.metrics, SizeIs(2));
  EXPECT_EQ(read.metrics[0], written.metrics[0]);
  EXPECT_EQ(read.metrics[1].first, "coco/bbox_mAP");
  EXPECT_TRUE(std::isnan(read.metrics[1].second));
  expect_same_values(read.message_hub, written.message_hub);
  expect_same(read.hooks, written.hooks);
  expect_same(read.rng_state, written.rng_state, "rng");
  expect_same(read_weights(path), NamedTensors(written.state_dict.begin(), written.state_dict.end() - 1));
}

TEST(CheckpointFile, AnEmptyOneComesBackToo) {
  const TemporaryFolder folder;
  write_checkpoint(folder.file("a.pth"), {});
  const Checkpoint read = read_checkpoint(folder.file("a.pth"));
  EXPECT_TRUE(read.state_dict.empty());
  EXPECT_TRUE(read.hooks.empty());
  EXPECT_FALSE(read.rng_state.defined());
}

TEST(CheckpointFile, TheSameStateGivesTheSameBytes) {
  const TemporaryFolder folder;
  write_checkpoint(folder.file("a.pth"), full_checkpoint());
  write_checkpoint(folder.file("b.pth"), full_checkpoint());
  EXPECT_EQ(test::read_file(folder.file("a.pth")), test::read_file(folder.file("b.pth")));
}

TEST(CheckpointFile, AnEarlierReadersTensorsOutliveTheFile) {
  const TemporaryFolder folder;
  const Checkpoint written = full_checkpoint();
  write_checkpoint(folder.file("a.pth"), written);
  Checkpoint read = read_checkpoint(folder.file("a.pth"));
  std::filesystem::remove(folder.file("a.pth"));
  read.state_dict[0].second.add_(1);
  expect_same(read.state_dict[0].second, written.state_dict[0].second.detach() + 1, "conv.weight");
}

// torch.load(weights_only=True) imports nothing but a fixed list of names; the pickle must ask for no other,
// and must hold no Python float (1.13's restricted unpickler refuses those).
TEST(CheckpointFile, PickleAsksOnlyForWhatTorchsRestrictedUnpicklerAllows) {
  const TemporaryFolder folder;
  write_checkpoint(folder.file("a.pth"), full_checkpoint());
  caffe2::serialize::PyTorchStreamReader archive(folder.file("a.pth"));
  const auto [data, size] = archive.getRecord("data.pkl");
  const std::string pickle(static_cast<const char*>(data.get()), size);

  std::set<std::string> globals;
  const auto number = [&](size_t at) { return static_cast<size_t>(static_cast<uint8_t>(pickle[at])); };
  size_t at = 0;
  char opcode = 0;
  while (at < pickle.size()) {
    opcode = pickle[at++];
    switch (opcode) {
      case '\x80':
        at += 1;
        break;  // PROTO
      case 'J':
        at += 4;
        break;  // BININT
      case '\x8a':
        at += 1 + number(at);
        break;  // LONG1
      case 'X':
        at += 4 + (number(at) | number(at + 1) << 8 | number(at + 2) << 16 | number(at + 3) << 24);
        break;
      case 'c': {
        const size_t end = pickle.find('\n', pickle.find('\n', at) + 1);
        globals.insert(pickle.substr(at, end - at));
        at = end + 1;
        break;
      }
      default:
        ASSERT_NE(std::string_view("}]()utesNQR\x88\x89.").find(opcode), std::string_view::npos)
            << "opcode " << static_cast<int>(static_cast<uint8_t>(opcode)) << " at byte " << at - 1;
    }
  }
  EXPECT_EQ(opcode, '.');
  EXPECT_THAT(globals, IsSubsetOf({"torch._utils\n_rebuild_tensor_v2", "collections\nOrderedDict",
                                   "torch\nFloatStorage", "torch\nDoubleStorage", "torch\nHalfStorage",
                                   "torch\nBFloat16Storage", "torch\nLongStorage", "torch\nIntStorage",
                                   "torch\nByteStorage", "torch\nBoolStorage"}));
  EXPECT_THAT(globals, ::testing::Contains("torch._utils\n_rebuild_tensor_v2"));
}

TEST(CheckpointFile, RefusesWhatIsNoCheckpointNamingThePath) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("folder"));
  folder.write("empty.pth", "");
  folder.write("text.pth", "not a checkpoint at all\n");
  folder.write("zip.pth", "PK\x03\x04 and then something else");
  folder.write("one_byte.pth", "P");
  const std::pair<const char*, const char*> cases[] = {
      {"missing.pth", "No such file"}, {"folder", "a folder"}, {"empty.pth", "an empty file"},
      {"text.pth", "some other kind"}, {"zip.pth", "zip"},     {"one_byte.pth", "empty"}};
  for (const auto& [name, reason] : cases) {
    for (const auto& read : {+[](const std::string& path) { read_checkpoint(path); },
                             +[](const std::string& path) { read_weights(path); }}) {
      try {
        read(folder.file(name));
        ADD_FAILURE() << name << " was read";
      } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), FailureKind::kConfig);
        EXPECT_THAT(failure.what(), AllOf(HasSubstr(folder.file(name)), HasSubstr(reason)));
        EXPECT_EQ(std::string(failure.what()).find('\n'), std::string::npos) << failure.what();
      }
    }
  }
}

TEST(CheckpointFile, RefusesATruncatedFileAtAnyLength) {
  const TemporaryFolder folder;
  write_checkpoint(folder.file("a.pth"), full_checkpoint());
  const std::string whole = test::read_file(folder.file("a.pth"));
  for (size_t i = 0; i < 60; ++i) {
    const size_t length = i < 20 ? whole.size() - 1 - i : whole.size() * (i - 20) / 40;
    folder.write("cut.pth", whole.substr(0, length));
    EXPECT_THAT(test::message_of<Failure>([&] { read_checkpoint(folder.file("cut.pth")); }),
                HasSubstr(folder.file("cut.pth")))
        << length << " of " << whole.size() << " bytes";
  }
}

// Damage may hit bytes that nobody reads; it must never do more than be found.
TEST(CheckpointFile, DamagedBytesAreFoundOrHarmless) {
  const TemporaryFolder folder;
  write_checkpoint(folder.file("a.pth"), full_checkpoint());
  const std::string whole = test::read_file(folder.file("a.pth"));
  int refused = 0;
  for (size_t i = 0; i < 400; ++i) {
    std::string damaged = whole;
    const size_t at = (i * 2654435761u) % damaged.size();
    damaged[at] = static_cast<char>(damaged[at] ^ (1 + i % 255));
    folder.write("damaged.pth", damaged);
    try {
      const Checkpoint read = read_checkpoint(folder.file("damaged.pth"));
      EXPECT_EQ(read.iter, 12345678901) << "byte " << at;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.kind(), FailureKind::kConfig);
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(CheckpointFile, RefusesAnotherFormatVersionNamingBoth) {
  const TemporaryFolder folder;
  TensorArchiveWriter archive;
  archive.pickle().begin_dict();
  archive.pickle().string("meta");
  archive.pickle().begin_dict();
  archive.pickle().string("format");
  archive.pickle().string("grapnel");
  archive.pickle().string("format_version");
  archive.pickle().integer(99);
  archive.pickle().end_dict();
  archive.pickle().end_dict();
  archive.write(folder.file("a.pth"));
  EXPECT_THAT(test::message_of<Failure>([&] { read_checkpoint(folder.file("a.pth")); }),
              AllOf(HasSubstr("format version 99"), HasSubstr("expected 1")));
}

TEST(CheckpointFile, RefusesAFileOfPythonToGoOnFrom) {
  EXPECT_THAT(test::message_of<Failure>([] { read_checkpoint(kPythonFiles + "training.pth"); }),
              AllOf(HasSubstr("training.pth"), HasSubstr("load_from")));
}

// A full disk, as a limit on the file's size: the write fails with EFBIG instead of ENOSPC, on the same path.
TEST(CheckpointFile, AFullDiskLeavesTheOldFileAndNothingElse) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.pth");
  write_checkpoint(path, full_checkpoint());
  const std::string before = test::read_file(path);

  Checkpoint large;
  large.state_dict = {{"w", torch::zeros({1 << 20})}, {"v", torch::zeros({1 << 20})}};
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{1 << 20, limit.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  FailureKind kind = FailureKind::kConfig;
  std::string message;
  try {
    write_checkpoint(path, large);
  } catch (const Failure& failure) {
    kind = failure.kind();
    message = failure.what();
  }
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, old_handler);

  EXPECT_EQ(kind, FailureKind::kRun);
  EXPECT_THAT(message, AllOf(HasSubstr(path), HasSubstr("File too large")));
  EXPECT_EQ(test::read_file(path), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(CheckpointFile, SaysWhyItCannotWrite) {
  const TemporaryFolder folder;
  EXPECT_THAT(test::message_of<Failure>([&] { write_checkpoint(folder.file("no/such/folder.pth"), {}); }),
              AllOf(HasSubstr("no/such/folder.pth"), HasSubstr("No such file or directory")));
  std::filesystem::create_directory(folder.file("taken"));
  EXPECT_THAT(test::message_of<Failure>([&] { write_checkpoint(folder.file("taken"), {}); }),
              HasSubstr(folder.file("taken")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(CheckpointFile, RefusesAHookTensorWhoseBytesDoNotFitItsShape) {
  const TemporaryFolder folder;
  Checkpoint checkpoint;
  checkpoint.hooks = {
      {"EMAHook", "EMAHook", "1", {}, {hook_tensor("w", {GRAPNEL_DTYPE_FLOAT, 32, 1}, {3}, 8)}}};
  EXPECT_THAT(test::message_of<Failure>([&] { write_checkpoint(folder.file("a.pth"), checkpoint); }),
              HasSubstr("EMAHook, w"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// tests/golden/python_checkpoints/make.py says what is in these files.
void expect_counted_state_dict(const NamedTensors& weights) {
  std::vector<std::string> names;
  for (size_t i = 0; i < weights.size(); ++i) {
    const torch::Tensor& tensor = weights[i].second;
    names.push_back(weights[i].first);
    const auto counted =
        torch::arange(tensor.numel()).reshape(tensor.sizes()) + static_cast<int64_t>(100 * i);
    EXPECT_TRUE(torch::equal(tensor, counted.to(tensor.scalar_type()))) << names.back();
  }
  EXPECT_THAT(names, ElementsAre("conv.weight", "conv.bias", "norm.weight", "norm.bias", "norm.running_mean",
                                 "norm.running_var", "norm.num_batches_tracked"));
}

TEST(Weights, AreReadFromPythonsStateDict) {
  expect_counted_state_dict(read_weights(kPythonFiles + "state_dict.pth"));
}

TEST(Weights, AreReadFromATrainingCheckpointAsYoloxSavesThem) {
  expect_counted_state_dict(read_weights(kPythonFiles + "training.pth"));
}

TEST(Weights, ParametersViewsAndSharedStoragesAreReadAsPythonSeesThem) {
  std::map<std::string, torch::Tensor> weights;
  for (auto& [name, tensor] : read_weights(kPythonFiles + "odd_tensors.pth")) weights[name] = tensor;
  ASSERT_EQ(weights.size(), 7u);
  expect_same(weights.at("parameter"), torch::tensor({1.5f, -2.0f}), "parameter");
  expect_same(weights.at("view"), torch::arange(2, 8, torch::kFloat32).reshape({2, 3}).t(), "view");
  expect_same(weights.at("half"), torch::tensor({0.5f}).to(torch::kHalf), "half");
  expect_same(weights.at("flag"), torch::tensor({true, false}), "flag");
  expect_same(weights.at("empty"), torch::zeros({0, 3}), "empty");
  expect_same(weights.at("scalar"), torch::tensor(int64_t{7}), "scalar");
  expect_same(weights.at("cl"), torch::arange(24, torch::kFloat32).reshape({1, 2, 3, 4}), "cl");
}

TEST(Weights, AreReadFromTheFormatBeforePyTorch16) {
  expect_counted_state_dict(read_weights(kPythonFiles + "legacy_format.pth"));
}

TEST(Weights, SaysWhatToDoWithAWholeModule) {
  EXPECT_THAT(test::message_of<Failure>([] { read_weights(kPythonFiles + "whole_module.pth"); }),
              AllOf(HasSubstr("torch.nn.modules.linear.Linear"), HasSubstr("model.state_dict()")));
}

}  // namespace
}  // namespace grapnel::runner
