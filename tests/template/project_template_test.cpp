// What makes a project out of the template, and what it refuses.
#include "core/project_template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "../core/temporary_folder.hpp"
#include "core/failure.hpp"

namespace grapnel::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ProjectTemplateTest : public ::testing::Test {
 protected:
  ProjectTemplate shipped() const {
    return {GRAPNEL_SOURCE_DIR "/sdk/template", GRAPNEL_SOURCE_DIR "/host/configs/fashion_classifier.toml",
            "/opt/grapnel"};
  }
  ProjectRequest request(const std::string& name, HookLanguage language = HookLanguage::kCxx) const {
    return {name, language, folder_.path()};
  }
  std::string refusal(const ProjectTemplate& from, const ProjectRequest& wanted) {
    return message_of<Failure>([&] { write_project(from, wanted); });
  }
  // Everything in the temporary folder, hidden names too.
  std::vector<std::string> left_behind() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      names.push_back(entry.path().lexically_relative(folder_.path()).string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  TemporaryFolder folder_;
};

TEST_F(ProjectTemplateTest, NamesEverythingAfterTheHook) {
  const auto files = write_project(shipped(), request("LossWatcher"));
  EXPECT_THAT(files, ElementsAre(".gitignore", "CMakeLists.txt", "LossWatcher.cpp", "LossWatcher.toml",
                                 "README.md", "fashion_classifier.toml", "run_test.cmake"));
  for (const auto& file : files) {
    const std::string text = read_file(folder_.file("LossWatcher/" + file));
    EXPECT_THAT(text, AllOf(Not(HasSubstr("MyHook")), Not(HasSubstr("@GRAPNEL")))) << file;
    EXPECT_FALSE(text.empty()) << file;
  }
  EXPECT_THAT(read_file(folder_.file("LossWatcher/CMakeLists.txt")),
              AllOf(HasSubstr("HINTS \"/opt/grapnel\""), HasSubstr("grapnel_add_hook(LossWatcher ")));
  EXPECT_THAT(read_file(folder_.file("LossWatcher/LossWatcher.cpp")), HasSubstr("class LossWatcher : "));
  EXPECT_EQ(read_file(folder_.file("LossWatcher/fashion_classifier.toml")),
            read_file(GRAPNEL_SOURCE_DIR "/host/configs/fashion_classifier.toml"));
}

TEST_F(ProjectTemplateTest, WritesCWithoutCxx) {
  EXPECT_THAT(write_project(shipped(), request("Greeter", HookLanguage::kC)),
              ElementsAre(".gitignore", "CMakeLists.txt", "Greeter.c", "Greeter.toml", "README.md",
                          "fashion_classifier.toml", "run_test.cmake"));
  EXPECT_THAT(read_file(folder_.file("Greeter/CMakeLists.txt")), HasSubstr("LANGUAGES C)"));
  EXPECT_THAT(read_file(folder_.file("Greeter/Greeter.c")), HasSubstr(".type = \"Greeter\""));
}

// A name that holds the placeholder must not be replaced again and again.
TEST_F(ProjectTemplateTest, TakesANameThatHoldsThePlaceholder) {
  write_project(shipped(), request("MyHookMyHook"));
  EXPECT_THAT(read_file(folder_.file("MyHookMyHook/MyHookMyHook.cpp")), HasSubstr("class MyHookMyHook : "));
}

TEST_F(ProjectTemplateTest, QuotesThePrefixForCmake) {
  ProjectTemplate from = shipped();
  from.prefix = "/opt/a \"quoted\" $ENV{HOME} \\ folder";
  write_project(from, request("A"));
  EXPECT_THAT(read_file(folder_.file("A/CMakeLists.txt")),
              HasSubstr("HINTS \"/opt/a \\\"quoted\\\" \\$ENV{HOME} \\\\ folder\""));
}

TEST_F(ProjectTemplateTest, GivesFilesTheUsersOwnPermissions) {
  const mode_t old = umask(022);
  write_project(shipped(), request("A"));
  umask(old);
  struct stat status {};
  ASSERT_EQ(stat(folder_.file("A").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0755u);
  ASSERT_EQ(stat(folder_.file("A/A.cpp").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644u);
}

TEST_F(ProjectTemplateTest, FillsAnEmptyFolderAndLeavesAFullOneAlone) {
  fs::create_directory(folder_.file("Empty"));
  write_project(shipped(), request("Empty"));
  EXPECT_TRUE(fs::exists(folder_.file("Empty/Empty.cpp")));

  folder_.write("Full/note.txt", "mine");
  EXPECT_THAT(refusal(shipped(), request("Full")),
              AllOf(HasSubstr(folder_.file("Full")), HasSubstr("a folder with something in it"),
                    HasSubstr("a new or an empty folder")));
  EXPECT_EQ(read_file(folder_.file("Full/note.txt")), "mine");
  folder_.write("File", "no folder");
  EXPECT_THAT(refusal(shipped(), request("File")), HasSubstr("no folder"));
  fs::create_directory_symlink(folder_.file("nowhere"), folder_.file("Link"));
  EXPECT_THAT(refusal(shipped(), request("Link")), HasSubstr("no folder"));
}

TEST_F(ProjectTemplateTest, NeedsTheParentFolder) {
  ProjectRequest wanted = request("A");
  wanted.parent = folder_.file("gone");
  EXPECT_THAT(refusal(shipped(), wanted), AllOf(HasSubstr("gone"), HasSubstr("expected an existing folder")));
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(ProjectTemplateTest, LeavesNothingBehindWhenPartsAreMissing) {
  ProjectTemplate from = shipped();
  from.base_config = folder_.path() + "/../gone.toml";
  EXPECT_THAT(refusal(from, request("A")), AllOf(HasSubstr("gone.toml"), HasSubstr("not installed")));
  from = shipped();
  from.folder = "/nowhere";
  EXPECT_THAT(refusal(from, request("A")), AllOf(HasSubstr("/nowhere/shared"), HasSubstr("components sdk")));
  EXPECT_THAT(left_behind(), IsEmpty());
}

// A template whose file wants to lie where another one's folder would have to be.
TEST_F(ProjectTemplateTest, LeavesNothingBehindWhenAFileCannotBeWritten) {
  TemporaryFolder broken;
  broken.write("shared/a", "a file");
  broken.write("c++/a/b", "below it");
  ProjectTemplate from = shipped();
  from.folder = broken.path();
  EXPECT_THAT(refusal(from, request("A")), AllOf(HasSubstr("cannot write the file"), HasSubstr("A/a/b")));
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(ProjectTemplateTest, RefusesNamesThatCannotBeATypeAndAClass) {
  EXPECT_EQ(hook_name_problem("LossWatcher2"), "");
  EXPECT_EQ(hook_name_problem("loss_watcher"), "");
  EXPECT_EQ(hook_name_problem(std::string(63, 'a')), "");
  for (const std::string& name :
       {std::string(), std::string(64, 'a'), std::string("2Fast"), std::string("Loss-Watcher"),
        std::string("a.b"), std::string("../x"), std::string("a b"),
        std::string("W\xC3\xA4"
                    "chter"),
        std::string("class"), std::string("restrict"), std::string("co_await"), std::string("std"),
        std::string("main"), std::string("test"), std::string("_Hook"), std::string("a__b"),
        std::string("grapnel_hook"), std::string("GRAPNEL_HOOK")}) {
    EXPECT_NE(hook_name_problem(name), "") << name;
    EXPECT_THAT(refusal(shipped(), request(name)),
                AllOf(HasSubstr("\"" + name + "\""), HasSubstr("as in a C name, 63 at most")));
  }
  EXPECT_THAT(left_behind(), IsEmpty());
}

}  // namespace
}  // namespace grapnel::test
