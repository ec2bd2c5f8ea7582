// Who may include whom: plugins -> sdk, drawing; drawing -> nobody; core -> sdk; conformance -> core, sdk; runner -> core; services ->
// runner, core, sdk; tasks -> runner, core, drawing; embedding -> services, runner, core, sdk; cli -> all of host. Hooks are called through core's dispatch only, so neither the
// runner nor a task may name a service's table; core knows nothing of LibTorch.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = GRAPNEL_SOURCE_DIR;

std::vector<fs::path> sources_under(const std::string& folder) {
  std::vector<fs::path> files;
  if (!fs::is_directory(kRoot / folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".cpp" || extension == ".hpp" || extension == ".c" || extension == ".h")
      files.push_back(entry.path());
  }
  return files;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The names between the quotes or brackets.
std::vector<std::string> includes_of(const fs::path& path) {
  static const std::regex include(R"((?:^|\n)\s*#\s*include\s*[<"]([^>"\n]+)[>"])");
  const std::string text = text_of(path);
  std::vector<std::string> names;
  for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it)
    names.push_back((*it)[1]);
  return names;
}

bool starts_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

// The room a name belongs to; "" for the standard library and other projects.
std::string room_of(const std::string& include) {
  for (const char* room :
       {"core/", "drawing/", "conformance/", "runner/", "services/", "tasks/detection/", "tasks/classification/",
        "embedding/", "cli/"}) {
    if (starts_with(include, room)) return std::string(room, std::string(room).size() - 1);
  }
  if (include == "grapnel/host.hpp") return "embedding";
  return starts_with(include, "grapnel/") ? "sdk" : "";
}

bool is_torch(const std::string& include) {
  for (const char* prefix : {"torch/", "ATen/", "c10/", "c10d/", "caffe2/"}) {
    if (starts_with(include, prefix)) return true;
  }
  return include == "grapnel/torch.hpp";
}

// Checks every include of a room; gives the number of files it looked at.
size_t check_room(const std::string& folder, const std::vector<std::string>& allowed_rooms) {
  const auto files = sources_under(folder);
  for (const auto& file : files) {
    for (const auto& include : includes_of(file)) {
      const std::string room = room_of(include);
      const bool allowed = room.empty() || std::count(allowed_rooms.begin(), allowed_rooms.end(), room) != 0;
      EXPECT_TRUE(allowed) << fs::relative(file, kRoot) << " includes " << include;
      if (include.find("..") == std::string::npos) continue;
      const std::string target = (file.parent_path() / include).lexically_normal().string();
      EXPECT_TRUE(starts_with(target, (kRoot / folder).string() + "/"))
          << fs::relative(file, kRoot) << " leaves its room with " << include;
    }
  }
  return files.size();
}

TEST(IncludeDirection, CoreKnowsTheSdkOnlyAndNoLibTorch) {
  ASSERT_GE(check_room("host/core", {"core", "sdk"}), 20u);
  for (const auto& file : sources_under("host/core")) {
    for (const auto& include : includes_of(file)) {
      EXPECT_FALSE(is_torch(include)) << fs::relative(file, kRoot) << " includes " << include;
    }
  }
}

TEST(IncludeDirection, ConformanceAndEmbeddingKnowNoLibTorch) {
  ASSERT_GE(check_room("host/conformance", {"conformance", "core", "sdk"}), 10u);
  ASSERT_GE(check_room("host/embedding", {"embedding", "services", "runner", "core", "sdk"}), 3u);
  for (const char* folder : {"host/conformance", "host/embedding", "host/include"}) {
    for (const auto& file : sources_under(folder)) {
      for (const auto& include : includes_of(file)) {
        EXPECT_FALSE(is_torch(include)) << fs::relative(file, kRoot) << " includes " << include;
      }
    }
  }
}

TEST(IncludeDirection, RunnerKnowsCore) {
  ASSERT_GE(check_room("host/runner", {"runner", "core", "sdk"}), 5u);
}

TEST(IncludeDirection, ServicesKnowRunnerCoreAndSdk) {
  ASSERT_GE(check_room("host/services", {"services", "runner", "core", "sdk"}), 3u);
}

TEST(IncludeDirection, TasksKnowRunnerAndCoreAndNotEachOther) {
  ASSERT_GE(check_room("host/tasks/detection", {"tasks/detection", "runner", "core", "drawing"}), 5u);
  ASSERT_GE(check_room("host/tasks/classification", {"tasks/classification", "runner", "core"}), 1u);
}

TEST(IncludeDirection, PluginsKnowTheInstalledSdkOnly) {
  ASSERT_GE(check_room("plugins", {"sdk", "drawing"}), 1u);
}

// Drawing is OpenCV's and knows nothing of Grapnel, so a plugin that draws as `grapnel predict` does gets no way to
// the host by it.
TEST(IncludeDirection, DrawingKnowsNobodyAndOneHookDraws) {
  ASSERT_GE(check_room("host/drawing", {"drawing"}), 4u);
  for (const auto& file : sources_under("host/drawing")) {
    for (const auto& include : includes_of(file)) {
      EXPECT_FALSE(is_torch(include)) << fs::relative(file, kRoot) << " includes " << include;
    }
  }
  for (const auto& file : sources_under("plugins")) {
    for (const auto& include : includes_of(file)) {
      EXPECT_TRUE(room_of(include) != "drawing" || file.parent_path().filename() == "DetVisualizationHook")
          << fs::relative(file, kRoot) << " includes " << include;
    }
  }
}

TEST(IncludeDirection, TheSdkKnowsNobody) {
  const auto files = sources_under("sdk/include");
  ASSERT_GE(files.size(), 15u);
  for (const auto& file : files) {
    for (const auto& include : includes_of(file)) {
      if (fs::exists(file.parent_path() / include)) continue;  // its own folder "services"
      const std::string room = room_of(include);
      EXPECT_TRUE(room.empty() || room == "sdk") << fs::relative(file, kRoot) << " includes " << include;
    }
  }
}

// What a hook may see of the run is offered by the services room alone.
TEST(IncludeDirection, RunnerAndTasksNeverNameAServiceTable) {
  static const std::regex service(
      R"(grapnel_\w+_service\b|GRAPNEL_SERVICE_\w+|grapnel/services/|ServiceTable)");
  size_t files = 0;
  for (const char* folder : {"host/runner", "host/tasks"}) {
    for (const auto& file : sources_under(folder)) {
      ++files;
      std::smatch match;
      const std::string text = text_of(file);
      EXPECT_FALSE(std::regex_search(text, match, service))
          << fs::relative(file, kRoot) << " names " << match.str();
    }
  }
  ASSERT_GE(files, 10u);
}

// The checks above would pass on anything if these read nothing.
TEST(IncludeDirection, TheScannerSeesIncludes) {
  const auto includes = includes_of(kRoot / "host/core/plugin_loader.cpp");
  EXPECT_GE(includes.size(), 5u);
  EXPECT_EQ(room_of("core/failure.hpp"), "core");
  EXPECT_EQ(room_of("tasks/detection/nms.hpp"), "tasks/detection");
  EXPECT_EQ(room_of("grapnel/hook.h"), "sdk");
  EXPECT_EQ(room_of("vector"), "");
  EXPECT_TRUE(is_torch("torch/torch.h"));
}

}  // namespace
