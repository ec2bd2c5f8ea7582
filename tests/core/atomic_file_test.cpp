#include "core/atomic_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <thread>

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
  const std::string message =
      test::message_of<Failure>([&] { write_file_atomically(path, std::string(1 << 20, 'x')); });
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

TEST(AtomicFile, LeavesNothingBehindWhenTheContentCannotBeMade) {
  test::TemporaryFolder folder;
  const auto path = folder.file("a");
  EXPECT_THROW(write_file_atomically(path,
                                     [](AtomicFile& file) {
                                       file.write("half");
                                       throw std::runtime_error("no more");
                                     }),
               std::runtime_error);
  EXPECT_EQ(files_in(folder.path()), 0u);
}

TEST(AtomicFile, RefusesToReplaceWhatIsNoFile) {
  test::TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("sub"));
  EXPECT_THAT(test::message_of<Failure>([&] { write_file_atomically(folder.file("sub"), "x"); }),
              AllOf(HasSubstr(folder.file("sub")), HasSubstr("a folder")));
  ASSERT_EQ(mkfifo(folder.file("pipe").c_str(), 0600), 0);
  EXPECT_THAT(test::message_of<Failure>([&] { write_file_atomically(folder.file("pipe"), "x"); }),
              HasSubstr("pipe or socket"));
  EXPECT_EQ(files_in(folder.path()), 2u);
}

TEST(AtomicFile, LetsTwoThreadsWriteOnePath) {
  test::TemporaryFolder folder;
  const auto path = folder.file("a");
  const auto write = [&](char letter) {
    for (int i = 0; i < 50; ++i) write_file_atomically(path, std::string(10000, letter));
  };
  std::thread other(write, 'b');
  write('a');
  other.join();
  const std::string text = test::read_file(path);
  EXPECT_EQ(text, std::string(10000, text.at(0)));
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(AtomicFile, WritesIntoTheCurrentFolder) {
  test::TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_file_atomically("plain", "x");
  std::filesystem::current_path(before);
  EXPECT_EQ(test::read_file(folder.file("plain")), "x");
}

}  // namespace
}  // namespace grapnel
