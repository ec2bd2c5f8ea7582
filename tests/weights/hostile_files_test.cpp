// Broken and hostile weights files of every kind: each is refused with one message, before anything is
// allocated for what the file only claims to have. Also what each format allows in odd places and must be
// read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>

#include "../core/temporary_folder.hpp"
#include "core/failure.hpp"
#include "runner/safetensors.hpp"
#include "runner/weights_file.hpp"
#include "weights_files.hpp"

namespace grapnel::runner {
namespace {

using namespace grapnel::test;
using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string floats(std::vector<float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}
const std::string kSix = floats({0, 1, 2, 3, 4, 5});

// Every tensor of the file as its bytes.
std::vector<std::pair<std::string, std::string>> read_all(const std::string& path) {
  WeightsFile file(path);
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, tensor] : file.tensors()) {
    std::string bytes;
    file.source().read(tensor, [&] {
      bytes.resize(tensor.bytes());
      return bytes.data();
    });
    all.emplace_back(name, bytes);
  }
  return all;
}

// The message, which must be one for people: a line that names the file.
std::string refusal(const TemporaryFolder& folder, const std::string& content) {
  const std::string path = folder.write("hostile.pth", content);
  try {
    read_all(path);
  } catch (const Failure& failure) {
    const std::string message = failure.what();
    EXPECT_EQ(failure.kind(), FailureKind::kConfig);
    EXPECT_THAT(message, HasSubstr(path));
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_LT(message.size(), 1000u) << message;
    return message;
  }
  return "was read";
}

std::string with(std::string text, size_t at, const std::string& bytes) {
  return text.replace(at, bytes.size(), bytes);
}

TEST(WeightsFile, ReadsTheFourFormsOfOneTensor) {
  const TemporaryFolder folder;
  const std::string pickle = pickle_of_one_tensor({2, 3});
  const std::string header = R"({"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}  )";
  const std::pair<std::string, std::string> files[] = {
      {torch_zip(pickle, kSix), "torch.save, zip"},
      {zip_of({{"a/data/0", kSix}, {"a/data.pkl", pickle}}, {true}), "torch.save, zip"},
      {legacy_of(pickle, 6, kSix), "torch.save, before 1.6"},
      {safetensors_of(header, kSix), "safetensors"}};
  for (const auto& [content, format] : files) {
    const std::string path = folder.write("w", content);
    EXPECT_EQ(WeightsFile(path).format(), format);
    const auto all = read_all(path);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].first, "w");
    EXPECT_EQ(all[0].second, kSix);
  }
}

TEST(WeightsFile, GathersStridedViews) {
  const TemporaryFolder folder;
  const auto read = [&](RawTensor tensor) {
    return read_all(folder.write("w.pth", torch_zip(pickle_of(tensor), kSix))).at(0).second;
  };
  RawTensor transposed;
  transposed.sizes = {3, 2};
  transposed.strides = {1, 3};
  EXPECT_EQ(read(transposed), floats({0, 3, 1, 4, 2, 5}));
  RawTensor part;
  part.offset = 1;
  part.sizes = {2, 1, 2};
  part.strides = {3, 7, 1};
  EXPECT_EQ(read(part), floats({1, 2, 4, 5}));
  RawTensor repeated;
  repeated.sizes = {2, 2};
  repeated.strides = {0, 5};
  EXPECT_EQ(read(repeated), floats({0, 5, 0, 5}));
  RawTensor scalar;
  scalar.offset = 5;
  scalar.sizes = {};
  scalar.strides = {};
  EXPECT_EQ(read(scalar), floats({5}));
  RawTensor empty;
  empty.sizes = {0, int64_t{1} << 40};
  empty.strides = {1, 1};
  EXPECT_EQ(read(empty), "");
}

TEST(WeightsFile, ReadsAViewOfAnOldStorage) {
  const TemporaryFolder folder;
  RawTensor view;
  view.sizes = {2};
  view.strides = {1};
  view.view = "(" + pickled("other key") + pickled(int64_t{3}) + pickled(int64_t{2}) + "t";
  EXPECT_EQ(read_all(folder.write("w.pth", legacy_of(pickle_of(view), 6, kSix))).at(0).second,
            floats({3, 4}));
  view.view = "(" + pickled("other key") + pickled(int64_t{5}) + pickled(int64_t{2}) + "t";
  EXPECT_THAT(refusal(folder, legacy_of(pickle_of(view), 6, kSix)), HasSubstr("beyond its storage"));
  view.view = "(" + pickled("other key") + pickled(int64_t{3}) + pickled(int64_t{1}) + "t";
  EXPECT_THAT(refusal(folder, legacy_of(pickle_of(view), 6, kSix)), HasSubstr("beyond its storage"));
}

TEST(WeightsFile, TheLastOfTwoEqualNamesCounts) {
  const TemporaryFolder folder;
  RawTensor second;
  second.sizes = {1};
  second.strides = {1};
  second.offset = 4;
  const std::string pickle =
      "\x80\x02}(" + pickled("w") + pickled(RawTensor()) + pickled("w") + pickled(second) + "u.";
  const auto all = read_all(folder.write("w.pth", torch_zip(pickle, kSix)));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].second, floats({4}));
}

TEST(WeightsFile, FindsTheDictUnderItsUsualKeys) {
  const TemporaryFolder folder;
  const std::string dict = "}(" + pickled("module.w") + pickled(RawTensor()) + "u";
  for (const std::string key : {"state_dict", "model", "ema", "ema_state_dict"}) {
    const std::string other = pickled("optimizer") + "}(K\x00]u"s + pickled("epoch") + "K\x03";
    const std::string path =
        folder.write("w.pth", torch_zip("\x80\x02}(" + other + pickled(key) + dict + "u.", kSix));
    EXPECT_EQ(WeightsFile(path).key(), key);
    EXPECT_EQ(read_all(path).at(0).first, "w");
  }
}

TEST(WeightsFile, AnAveragedModelsCounterIsNoWeight) {
  const TemporaryFolder folder;
  const std::string dict =
      "}(" + pickled("steps") + pickled(RawTensor()) + pickled("module.w") + pickled(RawTensor()) + "u.";
  const auto all = read_all(folder.write("w.pth", torch_zip("\x80\x02" + dict, kSix)));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].first, "w");
}

TEST(WeightsFile, RefusesAnObjectInTheWayByName) {
  const TemporaryFolder folder;
  const std::string number = "cnumpy.core.multiarray\nscalar\n)R";
  EXPECT_THAT(refusal(folder, torch_zip("\x80\x02" + number + ".", kSix)),
              HasSubstr("numpy.core.multiarray.scalar"));
  EXPECT_THAT(refusal(folder, torch_zip("\x80\x02}(" + pickled("w") + pickled(RawTensor()) + pickled("x") +
                                            number + "u.",
                                        kSix)),
              AllOf(HasSubstr("numpy.core.multiarray.scalar as x")));
  EXPECT_THAT(refusal(folder, torch_zip("\x80\x02}(" + pickled("model") + number + "u.", kSix)),
              HasSubstr("numpy.core.multiarray.scalar under 'model'"));
  // Beside the weights it may stand: Megvii's best_ap is such a number.
  const std::string beside = "\x80\x02}(" + pickled("model") + "}(" + pickled("w") + pickled(RawTensor()) +
                             "u" + pickled("best_ap") + number + "u.";
  EXPECT_EQ(read_all(folder.write("w.pth", torch_zip(beside, kSix))).size(), 1u);
  // What could run is refused wherever it stands.
  const std::string code = "\x80\x02}(" + pickled("model") + "}(" + pickled("w") + pickled(RawTensor()) +
                           "u" + pickled("z") + "cos\nsystem\n(" + pickled("false") + "tRu.";
  EXPECT_THAT(refusal(folder, torch_zip(code, kSix)), HasSubstr("the class os.system"));
  EXPECT_THAT(refusal(folder, legacy_of(code, 6, kSix)), HasSubstr("the class os.system"));
}

TEST(WeightsFile, RefusesTensorsThatDoNotFitTheirStorage) {
  const TemporaryFolder folder;
  constexpr int64_t kHuge = int64_t{1} << 62;
  std::vector<RawTensor> wrong(14);
  wrong[0].offset = 1;
  wrong[1].offset = -1;
  wrong[2].sizes = {3, 3};
  wrong[3].sizes = {-2, 3};
  wrong[4].strides = {-3, 1};
  wrong[5].strides = {4, 1};
  wrong[6].strides = {1};
  wrong[7].elements = -1;
  wrong[8].elements = kHuge;
  wrong[9].elements = 5;
  wrong[10].sizes = {kHuge, kHuge};
  wrong[11].sizes = {0, kHuge, kHuge};
  wrong[11].strides = {1, 1, 1};
  wrong[12].key = "../../etc/passwd";
  wrong[13].sizes = {int64_t{1} << 50};  // stride 0: fits its storage and no memory
  wrong[13].strides = {0};
  for (size_t i = 0; i < wrong.size(); ++i) {
    EXPECT_NE(refusal(folder, torch_zip(pickle_of(wrong[i]), kSix)), "was read") << i;
    EXPECT_NE(refusal(folder, legacy_of(pickle_of(wrong[i]), wrong[i].elements, kSix)), "was read") << i;
  }
  RawTensor unknown;
  unknown.storage_type = "QInt8Storage";
  EXPECT_THAT(refusal(folder, torch_zip(pickle_of(unknown), kSix)), HasSubstr("torch.QInt8Storage"));
  RawTensor no_storage;
  no_storage.storage_type = "Size";
  EXPECT_THAT(refusal(folder, torch_zip(pickle_of(no_storage), kSix)), HasSubstr("torch.Size"));
}

// A hundred thousand tensors that all show the same megabyte.
TEST(WeightsFile, RefusesSharedBytesThatWouldFillMemory) {
  const TemporaryFolder folder;
  RawTensor tensor;
  tensor.elements = 1 << 18;
  tensor.sizes = {1 << 18};
  tensor.strides = {1};
  std::string pickle = "\x80\x02}(" + pickled("w") + pickled(tensor) + "q\x01"s;
  for (int i = 0; i < 100000; ++i) pickle += pickled("w" + std::to_string(i)) + "h\x01"s;
  EXPECT_THAT(refusal(folder, torch_zip(pickle + "u.", std::string(1 << 20, '\0'))),
              HasSubstr("again and again"));
}

TEST(WeightsFile, RefusesWrongArchives) {
  const TemporaryFolder folder;
  const std::string pickle = pickle_of_one_tensor({2, 3});
  const std::string good = torch_zip(pickle, kSix);
  const size_t end = good.size() - 22, directory = good.find("PK\1\2");
  const std::pair<std::string, const char*> cases[] = {
      {zip_of({{"archive/data.pkl", pickle}, {"archive/data/0", kSix}}, {false, 8}), "compressed"},
      {zip_of({{"archive/data.pkl", pickle}, {"archive/data/0", kSix}}, {false, 0, 1}), "encrypted"},
      {zip_of({{"archive/data.pkl", pickle}, {"archive/data.pkl", pickle}}), "two records"},
      {zip_of({{"a/data.pkl", pickle}, {"b/data.pkl", pickle}}), "two pickles"},
      {zip_of({{"../../data.pkl", pickle}, {"data/0", kSix}}), "without data.pkl"},
      {zip_of({{"archive/code/a.py", "x"}}), "without data.pkl"},
      {zip_of({{"archive/data.pkl", pickle}}), "no storage 0"},
      {zip_of({{"archive/data.pkl", pickle}, {"archive/data/0", kSix + "x"}}), "6 elements in 25 bytes"},
      {zip_of({{"archive/data.pkl", pickle}, {"archive/data/0", kSix.substr(4)}}), "6 elements in 20 bytes"},
      {zip_of({{"archive/data.pkl", pickle}, {"archive/data/0", kSix}, {"archive/byteorder", "big"}}),
       "big-endian"},
      {with(good, end + 10, in_bytes(4, 2)), "more records than"},
      {with(good, end + 10, in_bytes(2, 2)), "another size"},
      {with(good, end + 12, in_bytes(0x7fffffff, 4)), "beyond its end"},
      {with(good, end + 16, in_bytes(0x7fffffff, 4)), "beyond its end"},
      {with(good, end + 16, in_bytes(0xffffffff, 4)), "64-bit"},
      {with(good, directory + 24, in_bytes(0x7fffffff, 4)), "compressed"},  // sizes that differ
      {with(with(good, directory + 24, in_bytes(0x7fffffff, 4)), directory + 20, in_bytes(0x7fffffff, 4)),
       "over another one"},
      {with(good, directory + 42, in_bytes(0x7fffffff, 4)), "over another one"},
      {with(good, directory + 42, in_bytes(1, 4)), "over another one"},
      {with(good, good.find(kSix) + 1, "\x55"), "damaged bytes"},
      {good.substr(0, good.size() - 1), "no directory"},
      {good + "trailing", "no directory"},
      {good.substr(0, good.size() / 2), "no directory"}};
  for (const auto& [content, reason] : cases)
    EXPECT_THAT(refusal(folder, content), HasSubstr(reason)) << reason;
  const std::string wide = zip_of({{"archive/data.pkl", pickle}, {"archive/data/0", kSix}}, {true});
  const size_t wide_end = wide.find("PK\6\6"), locator = wide.find("PK\6\7");
  for (const uint64_t value : {uint64_t{0}, uint64_t{1} << 40, uint64_t{1} << 63, ~uint64_t{0}}) {
    for (const size_t at : {wide_end + 32, wide_end + 40, wide_end + 48, locator + 8}) {
      EXPECT_NE(refusal(folder, with(wide, at, in_bytes(value, 8))), "was read") << at << " " << value;
    }
  }
}

TEST(WeightsFile, RefusesWrongFilesOfTheOldFormat) {
  const TemporaryFolder folder;
  const std::string pickle = pickle_of_one_tensor({2, 3});
  const std::string good = legacy_of(pickle, 6, kSix);
  std::string big_endian = good;
  big_endian.replace(big_endian.find("\x88u."), 1, "\x89");
  std::string version = good;
  version.replace(version.find("M\xe9\x03"), 3, "M\xe8\x03");
  const std::pair<std::string, const char*> cases[] = {
      {legacy_of(pickle, int64_t{1} << 62, kSix), "is not there"},
      {legacy_of(pickle, -1, kSix), "is not there"},
      {legacy_of(pickle, 5, kSix), "is not there"},
      {good.substr(0, good.size() - 1), "is not there"},
      {good.substr(0, good.size() - 25), "early"},
      {legacy_head() + pickle + "\x80\x02](" + pickled("1") + "e.", "no tensor refers to"},
      {legacy_head() + pickle + "\x80\x02](e.", "no storage 0"},
      {legacy_head() + pickle + "\x80\x02](" + pickled("0") + pickled("0") + "e." + in_bytes(6, 8) + kSix +
           in_bytes(6, 8) + kSix,
       "two storages"},
      {legacy_head(), "early end"},
      {pickle, "a bare pickle"},
      {big_endian, "big-endian"},
      {version, "protocol version"},
      {std::string(257, '\0') + "ustar" + std::string(300, '\0'), "a tar archive"}};
  for (const auto& [content, reason] : cases)
    EXPECT_THAT(refusal(folder, content), HasSubstr(reason)) << reason;
}

TEST(WeightsFile, RefusesWrongSafetensors) {
  const TemporaryFolder folder;
  const auto one = [](const std::string& dtype, const std::string& shape, const std::string& places) {
    return R"({"w":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + places + "}}";
  };
  const std::pair<std::string, const char*> cases[] = {
      {one("F32", "[2,3]", "[0,20]"), "does not fit its bytes"},
      {one("F32", "[2,3]", "[24,0]"), "does not fit its bytes"},
      {one("F32", "[2,3]", "[1,25]"), "behind a gap"},
      {one("F32", "[2,2]", "[0,16]"), "belong to no tensor"},
      {one("F32", "[7]", "[0,28]"), "beyond the file's end"},
      {one("F32", "[-2,3]", "[0,24]"), "no usable description"},
      {one("F32", "[2.0,3]", "[0,24]"), "no usable description"},
      {one("F32", "[4611686018427387904,4]", "[0,24]"), "impossible shape"},
      {one("F32", "[0,4611686018427387904,4]", "[0,0]"), "impossible shape"},
      {one("F32", "[18446744073709551615]", "[0,24]"), "no usable description"},
      {one("F32", "[2,3]", "[0,24,24]"), "no usable description"},
      {one("F8_E4M3", "[24]", "[0,24]"), "F8_E4M3"},
      {R"({"w":{"dtype":"F32","shape":[2,3]}})", "no usable description"},
      {R"({"w":{"dtype":"F32","shape":[6],"data_offsets":[0,24],"more":1}})", "no usable description"},
      {R"({"w":[]})", "no description"},
      {R"({"__metadata__":{"a":1}})", "metadata a"},
      {R"({"__metadata__":{"a":"b"}})", "belong to no tensor"},
      {R"({"w":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"w":{"dtype":"F32","shape":[3],"data_offsets":[12,24]}})",
       "two tensors"},
      {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[4],"data_offsets":[8,24]}})",
       "over another one"},
      {R"({"w":)", "no JSON object"},
      {"{" + std::string(50000, '['), "no JSON object"},
      {R"({} {})", "no JSON object"}};
  for (const auto& [header, reason] : cases) {
    EXPECT_THAT(refusal(folder, safetensors_of(header, kSix)), HasSubstr(reason)) << header.substr(0, 200);
  }
  const std::string good = safetensors_of(one("F32", "[2,3]", "[0,24]"), kSix);
  for (const uint64_t length :
       {uint64_t{100000000}, uint64_t{100000001}, uint64_t{1} << 40, uint64_t{1} << 63, ~uint64_t{0}}) {
    EXPECT_THAT(refusal(folder, with(good, 0, in_bytes(length, 8))), HasSubstr("a safetensors header of"));
  }
  EXPECT_THAT(refusal(folder, safetensors_of("{}", "")), HasSubstr("without tensors"));
}

// A file with a hole: 64 GB that the disk does not have, and a header that claims them.
TEST(WeightsFile, SizesThatAreThereButTooLargeAreNotTakenUpWhole) {
  const TemporaryFolder folder;
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
#if !defined(__SANITIZE_ADDRESS__)
  const rlimit small{rlim_t{2} << 30, limit.rlim_max};
  setrlimit(RLIMIT_AS, &small);
#endif
  const std::string legacy = folder.write("legacy.pth", legacy_of(pickle_of_one_tensor({2, 3}), 6, kSix));
  std::string pickle_bomb = legacy_head() + "\x8e" + in_bytes(uint64_t{60} << 30, 8);
  const std::string bomb = folder.write("bomb.pth", pickle_bomb);
  for (const std::string& path : {legacy, bomb}) std::filesystem::resize_file(path, uintmax_t{64} << 30);
  EXPECT_EQ(read_all(legacy).at(0).second, kSix);
  EXPECT_THAT(message_of<Failure>([&] { read_all(bomb); }), HasSubstr("early end"));
  setrlimit(RLIMIT_AS, &limit);
}

TEST(WeightsFile, IsNoPipeAndNoFolder) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo(folder.file("pipe").c_str(), 0600), 0);
  EXPECT_THAT(message_of<Failure>([&] { WeightsFile file(folder.file("pipe")); }),
              HasSubstr("no regular file"));
  EXPECT_THAT(message_of<Failure>([&] { WeightsFile file(folder.path()); }), HasSubstr("a folder"));
}

TEST(Safetensors, WhatIsWrittenIsRead) {
  const TemporaryFolder folder;
  const std::string path = folder.file("w.safetensors");
  const std::vector<uint8_t> bytes = {1, 2, 3};
  const int64_t count = -7;
  write_safetensors(path,
                    {{"b\"\\\n\xc3\xbc", StoredDtype::kUInt8, {3}, bytes.data()},
                     {"count", StoredDtype::kInt64, {}, &count},
                     {"empty", StoredDtype::kFloat16, {0, 5}, nullptr},
                     {"w", StoredDtype::kFloat32, {2, 3}, kSix.data()}},
                    {{"format", "pt"}});
  WeightsInput input(path);
  SafetensorsFile file(input);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  const auto all = read_all(path);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].first, "count");  // the widest first
  EXPECT_EQ(all[0].second, std::string(reinterpret_cast<const char*>(&count), 8));
  EXPECT_EQ(all[1].second, kSix);
  EXPECT_EQ(all[2].first, "empty");
  EXPECT_EQ(all[3].first, "b\"\\\n\xc3\xbc");
  EXPECT_EQ(all[3].second, "\1\2\3");
  EXPECT_EQ(read_file(path).size() % 8, 3u);  // the header is padded
}

TEST(Safetensors, RefusesToWriteWhatItCannotHold) {
  const TemporaryFolder folder;
  const std::string path = folder.file("w.safetensors");
  const auto write = [&](std::vector<SafetensorsEntry> entries) {
    return message_of<Failure>([&] { write_safetensors(path, entries, {}); });
  };
  const double number[2] = {1, 2};
  EXPECT_THAT(write({{"c", StoredDtype::kComplex64, {1}, number}}), HasSubstr("a real type"));
  EXPECT_THAT(write({{"\xff", StoredDtype::kFloat64, {1}, number}}), HasSubstr("UTF-8"));
  EXPECT_THAT(write({{"__metadata__", StoredDtype::kFloat64, {1}, number}}), HasSubstr("a name of its own"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace grapnel::runner
