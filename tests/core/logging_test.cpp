#include "core/logging.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/failure.hpp"
#include "temporary_folder.hpp"

namespace grapnel {
namespace {

TEST(Logging, WritesMMEnginesLineFormToTheFile) {
  test::TemporaryFolder folder;
  set_up_logging({"INFO"});
  add_log_file(folder.file("sub/run.log"));
  spdlog::debug("hidden");
  spdlog::warn("seen {}", 7);
  EXPECT_THAT(test::read_file(folder.file("sub/run.log")),
              ::testing::MatchesRegex("..../../.. ..:..:.. - grapnel - WARNING - seen 7\n"));
}

TEST(Logging, RefusesAnUnknownLevel) {
  EXPECT_THAT(test::message_of<Failure>([] { set_up_logging({"LOUD"}); }), ::testing::HasSubstr("\"LOUD\""));
  EXPECT_THAT(test::message_of<Failure>([] { set_up_logging({"info"}); }), ::testing::HasSubstr("\"info\""));
}

TEST(Logging, NamesAFileThatCannotBeOpened) {
  test::TemporaryFolder folder;
  set_up_logging({});
  EXPECT_THAT(test::message_of<Failure>([&] { add_log_file(folder.path()); }),
              ::testing::HasSubstr(folder.path()));
}

TEST(Logging, GoesOnWhenADiskIsFullAndSaysSoOnce) {
  test::TemporaryFolder folder;
  set_up_logging({});
  add_log_file("/dev/full");
  add_log_file(folder.file("run.log"));
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) spdlog::info("line {}", i);
  const std::string console = ::testing::internal::GetCapturedStderr();
  const size_t told = console.find("No space left on device");
  ASSERT_NE(told, std::string::npos);
  EXPECT_EQ(console.find("No space left on device", told + 1), std::string::npos);
  EXPECT_THAT(console, ::testing::HasSubstr("line 2"));
  EXPECT_THAT(test::read_file(folder.file("run.log")),
              ::testing::AllOf(::testing::HasSubstr("line 0"), ::testing::HasSubstr("line 2")));
}

TEST(Logging, KeepsLinesOfManyThreadsWholeWhileFilesAreAdded) {
  test::TemporaryFolder folder;
  set_up_logging({});
  ::testing::internal::CaptureStderr();
  add_log_file(folder.file("0.log"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 200; ++i)
        spdlog::info("thread {} {}", t, std::string(100, static_cast<char>('a' + t)));
    });
  }
  for (int f = 1; f < 20; ++f) add_log_file(folder.file(std::to_string(f) + ".log"));
  for (auto& thread : threads) thread.join();
  ::testing::internal::GetCapturedStderr();
  std::istringstream lines(test::read_file(folder.file("0.log")));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const char letter = line.back();
    ASSERT_THAT(line, ::testing::EndsWith("INFO - thread " + std::to_string(letter - 'a') + " " +
                                          std::string(100, letter)));
  }
  EXPECT_EQ(count, 800);
}

TEST(Logging, AppendsToAFileThatIsThere) {
  test::TemporaryFolder folder;
  const auto path = folder.write("run.log", "before\n");
  set_up_logging({"ERROR"});
  add_log_file(path);
  spdlog::warn("left out");
  set_up_logging({});
  EXPECT_EQ(test::read_file(path), "before\n");
}

}  // namespace
}  // namespace grapnel
