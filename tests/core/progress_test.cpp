#include "core/progress.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>

#include "core/logging.hpp"
#include "temporary_folder.hpp"

namespace grapnel {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

TEST(Progress, WritesClockTimes) {
  EXPECT_EQ(clock_text(3725), "1:02:05");
  EXPECT_EQ(clock_text(0.6), "0:00:01");
}

TEST(Progress, WritesPlainLinesIntoAFileAndTheEndOnce) {
  test::TemporaryFolder folder;
  {
    const File out(std::fopen(folder.file("log").c_str(), "w"));
    Progress progress("images", 100000, out.get());
    for (int64_t i = 1; i <= 100000; ++i) progress.update(i);
    progress.update(100000);
  }
  const std::string text = test::read_file(folder.file("log"));
  EXPECT_THAT(text, ::testing::EndsWith("\n"));
  EXPECT_EQ(text.find('\r'), std::string::npos);
  const size_t end = text.find("images 100000/100000, elapsed ");
  ASSERT_NE(end, std::string::npos);
  EXPECT_EQ(text.find("100000/100000", end + 20), std::string::npos);
}

TEST(Progress, HasNoEtaForWorkOfUnknownSize) {
  test::TemporaryFolder folder;
  {
    const File out(std::fopen(folder.file("log").c_str(), "w"));
    Progress progress("images", 0, out.get());
    progress.update(5);
    progress.update(6);
  }
  EXPECT_EQ(test::read_file(folder.file("log")).find("eta"), std::string::npos);
}

// A terminal of our own: what a user would see on the screen.
class Terminal {
 public:
  Terminal() {
    int screen = -1;
    if (openpty(&reader_, &screen, nullptr, nullptr, nullptr) != 0) throw std::runtime_error("no terminal");
    out_.reset(fdopen(screen, "w"));
  }
  ~Terminal() { close(reader_); }
  std::FILE* out() { return out_.get(); }
  // All that was written; closes the terminal, whose driver hands text over in its own time and pieces.
  std::string shown() {
    out_.reset();
    std::string all;
    char text[4096];
    for (ssize_t size; (size = read(reader_, text, sizeof text)) > 0;)
      all.append(text, static_cast<size_t>(size));
    return all;
  }

 private:
  int reader_ = -1;
  File out_;
};

TEST(Progress, RedrawsOneLineOnATerminal) {
  Terminal terminal;
  {
    Progress progress("images", 10, terminal.out());
    progress.update(1);
    progress.update(10);
  }
  EXPECT_THAT(
      terminal.shown(),
      MatchesRegex(
          "\r.\\[Kimages 1/10, elapsed .:..:.., eta .:..:..\r.\\[Kimages 10/10, elapsed .:..:..\r\n"));
}

TEST(Progress, MakesWayForALogLine) {
  Terminal terminal;
  set_up_logging({});
  {
    Progress progress("images", 10, terminal.out());
    progress.update(1);
    ::testing::internal::CaptureStderr();
    spdlog::info("a line");
    EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("INFO - a line"));
  }
  EXPECT_THAT(terminal.shown(), ::testing::EndsWith("\r\x1b[K"));
}

}  // namespace
}  // namespace grapnel
