#include "core/atomic_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "core/failure.hpp"
#include "temporary_folder.hpp"

namespace grapnel {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

size_t files_in(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(AtomicFile, ReplacesTheOldContentAtOnce) {
  test::TemporaryFolder folder;
  const auto path = folder.write("a", "old");
  AtomicFile file(path);
  file.write("new content", 11);
  EXPECT_EQ(test::read_file(path), "old");
  file.commit();
  EXPECT_EQ(test::read_file(path), "new content");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(AtomicFile, LeavesNothingBehindWithoutCommit) {
  test::TemporaryFolder folder;
  const auto path = folder.write("a", "old");
  { AtomicFile(path).write("half", 4); }
  EXPECT_EQ(test::read_file(path), "old");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

// A file size limit makes write() fail half-way, as a full disk does.
TEST(AtomicFile, KeepsTheOldFileWhenTheDiskIsFull) {
  test::TemporaryFolder folder;
  const auto path = folder.write("a", "old");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{64 * 1024, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = test::message_of<Failure>([&] { write_file_atomically(path, std::string(1 << 20, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(message, AllOf(HasSubstr("cannot write the file"), HasSubstr(path)));
  EXPECT_EQ(test::read_file(path), "old");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(AtomicFile, NamesAFolderThatIsNotThere) {
  test::TemporaryFolder folder;
  EXPECT_THAT(test::message_of<Failure>([&] { write_file_atomically(folder.file("gone/a"), "x"); }),
              AllOf(HasSubstr("gone/a"), HasSubstr("No such file")));
}

}  // namespace
}  // namespace grapnel
