// From an empty folder to a trained run with `grapnel hooks new`, as an author does it, for both languages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "../cli/command.hpp"
#include "../core/temporary_folder.hpp"

namespace grapnel::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class HooksNew : public ::testing::Test {
 protected:
  CommandResult run(const std::vector<std::string>& command, const std::string& folder = "") {
    CommandOptions options;
    options.folder = folder.empty() ? folder_.path() : folder_.file(folder);
    return run_command(command, options);
  }
  CommandResult grapnel(const std::vector<std::string>& arguments, const std::string& folder = "") {
    CommandOptions options;
    options.folder = folder.empty() ? folder_.path() : folder_.file(folder);
    return run_grapnel(arguments, options);
  }
  bool is_empty() const { return fs::is_empty(folder_.path()); }
  TemporaryFolder folder_;
};

class HooksNewInALanguage : public HooksNew, public ::testing::WithParamInterface<const char*> {};

TEST_P(HooksNewInALanguage, WritesAProjectThatBuildsChecksTrainsAndTestsItself) {
  const auto made = grapnel({"hooks", "new", "LossWatcher", "--language", GetParam()});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, AllOf(HasSubstr("Wrote LossWatcher: "), HasSubstr("CMakeLists.txt"),
                              HasSubstr("cmake -B build && cmake --build build"),
                              HasSubstr(" hooks check build/LossWatcher.so")));
  const auto configured = run({"cmake", "-B", "build"}, "LossWatcher");
  ASSERT_EQ(configured.exit_code, 0) << configured.out << configured.err;
  EXPECT_THAT(configured.err, Not(HasSubstr("Warning")));
  const auto built = run({"cmake", "--build", "build"}, "LossWatcher");
  ASSERT_EQ(built.exit_code, 0) << built.out << built.err;
  EXPECT_THAT(built.out + built.err, Not(HasSubstr("warning")));

  const auto checked = grapnel({"hooks", "check", "build/LossWatcher.so"}, "LossWatcher");
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
  const auto described = grapnel({"hooks", "describe", "LossWatcher", "--directory", "build"}, "LossWatcher");
  EXPECT_EQ(described.exit_code, 0) << described.err;
  EXPECT_THAT(described.out, AllOf(HasSubstr("smoothing"), HasSubstr("Logs the smoothed training loss")));

  const auto trained = grapnel({"train", "LossWatcher.toml", "--set", "train_cfg.max_epochs=1", "--set",
                                "train_dataloader.dataset.max_samples=2560"},
                               "LossWatcher");
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.err,
              AllOf(HasSubstr("[LossWatcher] smoothed loss "), HasSubstr(" after iteration 20")));
  EXPECT_TRUE(fs::exists(folder_.file("LossWatcher/work_dirs/LossWatcher/epoch_1.pth")));

  const auto tested =
      run({"ctest", "--test-dir", "build", "--output-on-failure", "--no-tests=error"}, "LossWatcher");
  EXPECT_EQ(tested.exit_code, 0) << tested.out;
  EXPECT_THAT(tested.out, AllOf(HasSubstr("LossWatcher.conformance"), HasSubstr("LossWatcher.run")));
}

// The project's own test must be able to fail: here the hook refuses the state that it wrote itself.
TEST_P(HooksNewInALanguage, WritesATestThatFailsWhenTheHookCannotReadItsState) {
  const bool c = GetParam() == std::string("c");
  ASSERT_EQ(grapnel({"hooks", "new", "Forgetful", "--language", GetParam()}).exit_code, 0);
  const std::string source = c ? "Forgetful/Forgetful.c" : "Forgetful/Forgetful.cpp";
  std::string text = read_file(folder_.file(source));
  const std::string check = c ? "state.layout != STATE_LAYOUT" : "layout != kStateLayout";
  const size_t at = text.find(check);
  ASSERT_NE(at, std::string::npos);
  text[text.find('!', at)] = '=';
  folder_.write(source, text);
  ASSERT_EQ(run({"cmake", "-B", "build"}, "Forgetful").exit_code, 0);
  ASSERT_EQ(run({"cmake", "--build", "build"}, "Forgetful").exit_code, 0);
  const auto tested = run({"ctest", "--test-dir", "build", "--output-on-failure", "-R", "run"}, "Forgetful");
  EXPECT_NE(tested.exit_code, 0);
  EXPECT_THAT(tested.out, HasSubstr("wrote a state of layout 1, expected 1"));
}

INSTANTIATE_TEST_SUITE_P(Languages, HooksNewInALanguage, ::testing::Values("c", "c++"),
                         [](const auto& param) { return param.param == std::string("c") ? "C" : "Cxx"; });

TEST_F(HooksNew, RefusesWithOneMessageAndExitCodeTwoAndLeavesNothing) {
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& needle) {
    std::vector<std::string> words = {"hooks", "new"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const auto result = grapnel(words);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr(needle));
    EXPECT_EQ(result.out, "");
    EXPECT_TRUE(is_empty()) << needle;
  };
  refused({"no-name"}, "\"no-name\"");
  refused({"A", "--language", "rust"}, "rust");
  refused({"A", "--directory", "gone"}, "an existing folder");
  refused({"LoggerHook"}, "LoggerHook.so");
  refused({"../A"}, "\"../A\"");
}

TEST_F(HooksNew, MakesTheProjectInTheFolderThatDirectoryNames) {
  fs::create_directory(folder_.file("projects"));
  const auto made = grapnel({"hooks", "new", "A", "--directory", "projects"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("cd projects/A"));
  EXPECT_TRUE(fs::exists(folder_.file("projects/A/A.cpp")));
  EXPECT_EQ(grapnel({"hooks", "new", "A", "--directory", "projects"}).exit_code, 2) << "it is there now";
}

}  // namespace
}  // namespace grapnel::test
