// Files of every kind, changed at random from fixed seeds, are read or refused with one message: no crash, no
// other exception, no more memory than a limit far below what some of them ask for. GRAPNEL_FUZZ_ROUNDS makes
// it longer, GRAPNEL_FUZZ_KEEP names a file for the case that failed.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "../core/temporary_folder.hpp"
#include "core/failure.hpp"
#include "memory_file.hpp"
#include "mutation.hpp"
#include "runner/safetensors.hpp"
#include "runner/weights_file.hpp"
#include "weights_files.hpp"

namespace grapnel::runner {
namespace {

using namespace grapnel::test;

const std::string kPythonFiles = std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/python_checkpoints/";

int rounds() {
  const char* asked = std::getenv("GRAPNEL_FUZZ_ROUNDS");
  return asked != nullptr ? std::atoi(asked) : 2000;
}

struct Limited {  // the process's address space, for as long as it lives
  Limited() {
    getrlimit(RLIMIT_AS, &before);
#if !defined(__SANITIZE_ADDRESS__)
    const rlimit small{rlim_t{1} << 30, before.rlim_max};
    setrlimit(RLIMIT_AS, &small);
#endif
  }
  ~Limited() { setrlimit(RLIMIT_AS, &before); }
  rlimit before{};
};

// True when the file was read, to the last tensor.
bool read_all(const std::string& path) {
  try {
    WeightsFile file(path);
    for (const auto& [name, tensor] : file.tensors()) {
      std::vector<char> bytes;
      file.source().read(tensor, [&bytes, size = tensor.bytes()] {
        bytes.resize(size);
        return bytes.data();
      });
    }
    return true;
  } catch (const Failure& failure) {
    const std::string message = failure.what();
    EXPECT_EQ(failure.kind(), FailureKind::kConfig);
    EXPECT_NE(message.find(path), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_LT(message.size(), 3000u) << message;
    return false;
  }
}

void fuzz(const std::string& seed_file, uint64_t seed) {
  MemoryFile file;
  ASSERT_TRUE(read_all(file.write(seed_file)));
  const Limited limited;
  Mutation mutation(seed);
  int read = 0, refused = 0;
  for (int i = 0; i < rounds() && !testing::Test::HasFailure(); ++i) {
    const std::string changed = mutation.of(seed_file);
    try {
      ++(read_all(file.write(changed)) ? read : refused);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "round " << i << ": " << error.what();
    }
    if (const char* keep = std::getenv("GRAPNEL_FUZZ_KEEP"); keep != nullptr && testing::Test::HasFailure()) {
      std::ofstream(keep, std::ios::binary) << changed;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(read, 0) << "the changes are so coarse that nothing gets past the door";
}

TEST(WeightsFuzz, TheZipFormat) {
  fuzz(read_file(kPythonFiles + "state_dict.pth"), 1);
  fuzz(read_file(kPythonFiles + "training.pth"), 2);
  fuzz(read_file(kPythonFiles + "odd_tensors.pth"), 3);
}

TEST(WeightsFuzz, TheZipFormatWithA64BitDirectory) {
  const std::string six(24, '\x3f');
  fuzz(zip_of({{"archive/data.pkl", pickle_of_one_tensor({2, 3})}, {"archive/data/0", six}}, {true}), 4);
}

TEST(WeightsFuzz, TheFormatBeforePyTorch16) { fuzz(read_file(kPythonFiles + "legacy_format.pth"), 5); }

TEST(WeightsFuzz, Safetensors) {
  const TemporaryFolder folder;
  const std::vector<float> values(12, 1.5f);
  write_safetensors(folder.file("w"),
                    {{"conv.weight", StoredDtype::kFloat32, {2, 3}, values.data()},
                     {"count", StoredDtype::kInt64, {}, values.data()},
                     {"half", StoredDtype::kFloat16, {4}, values.data()},
                     {"empty", StoredDtype::kBool, {0, 3}, nullptr}},
                    {{"format", "pt"}});
  fuzz(read_file(folder.file("w")), 6);
}

}  // namespace
}  // namespace grapnel::runner
