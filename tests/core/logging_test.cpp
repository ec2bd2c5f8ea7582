#include "core/logging.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "core/failure.hpp"
#include "core/progress.hpp"
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
}

TEST(Logging, NamesAFileThatCannotBeOpened) {
  test::TemporaryFolder folder;
  set_up_logging({});
  EXPECT_THAT(test::message_of<Failure>([&] { add_log_file(folder.path()); }), ::testing::HasSubstr(folder.path()));
}

TEST(Progress, WritesClockTimes) {
  EXPECT_EQ(clock_text(3725), "1:02:05");
  EXPECT_EQ(clock_text(0.6), "0:00:01");
}

}  // namespace
}  // namespace grapnel
