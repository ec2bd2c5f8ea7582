// The conformance tool as a program: its arguments, its two reports, its exit codes, and what becomes of a
// plugin that ends or stops its process. What each case finds is nonconforming_test's.
#include <gmock/gmock.h>

#include <grapnel/plugin.h>
#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "../cli/command.hpp"
#include "../core/temporary_folder.hpp"

namespace grapnel::test {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kBuild = GRAPNEL_BUILD_DIR;

std::string shipped(const std::string& name) { return kBuild + "/plugins/" + name + ".so"; }
std::string faulty(const std::string& name) { return kBuild + "/tests/faulty_plugins/" + name + ".so"; }
std::string particular() { return kBuild + "/tests/conformance_plugins/particular_hook.so"; }

CommandResult conformance(std::vector<std::string> arguments, const CommandOptions& options = {}) {
  arguments.insert(arguments.begin(), kBuild + "/bin/grapnel-conformance");
  return run_command(arguments, options);
}

struct JsonCase {
  std::string name, sentence, result, message;
};

std::vector<JsonCase> cases_of(const std::string& json) {
  simdjson::dom::parser parser;
  std::vector<JsonCase> cases;
  const simdjson::dom::element report = parser.parse(json);
  for (const simdjson::dom::element each : report["cases"]) {
    const auto text = [&](const char* key) { return std::string(std::string_view(each[key])); };
    cases.push_back({text("name"), text("sentence"), text("result"), text("message")});
  }
  return cases;
}

JsonCase only_case(const std::string& name, std::vector<std::string> arguments, int exit_code) {
  arguments.insert(arguments.begin(), {"--json", "--only", name});
  const CommandResult run = conformance(arguments);
  EXPECT_EQ(run.exit_code, exit_code) << run.out << run.err;
  const auto cases = cases_of(run.out);
  EXPECT_EQ(cases.size(), 1u) << run.out;
  return cases.empty() ? JsonCase{} : cases.front();
}

TEST(ConformanceTool, ListsEveryCaseWithItsSentence) {
  const CommandResult text = conformance({"--list"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, ContainsRegex("elf_one_symbol +The file exports one symbol"));
  EXPECT_THAT(text.out, ContainsRegex("reproducible +The same seed gives the same calls"));
  const CommandResult json = conformance({"--list", "--json"});
  simdjson::dom::parser parser;
  const simdjson::dom::element list = parser.parse(json.out);
  size_t count = 0;
  for (const simdjson::dom::element each : list["cases"]) {
    EXPECT_THAT(text.out, HasSubstr(std::string(std::string_view(each["sentence"]))));
    ++count;
  }
  EXPECT_EQ(count, static_cast<size_t>(std::count(text.out.begin(), text.out.end(), '\n')));
  EXPECT_GE(count, 29u);
}

TEST(ConformanceTool, ReportsEveryCaseOfAListAsJson) {
  const CommandResult run = conformance({"--json", shipped("SetEpochInfoHook")});
  EXPECT_EQ(run.exit_code, 0) << run.out;
  simdjson::dom::parser parser;
  const simdjson::dom::element report = parser.parse(run.out);
  EXPECT_EQ(std::string_view(report["type"]), "SetEpochInfoHook");
  EXPECT_EQ(std::string_view(report["file"]), shipped("SetEpochInfoHook"));
  EXPECT_EQ(int64_t(report["seed"]), 0);
  EXPECT_EQ(int64_t(report["failed"]), 0);
  EXPECT_EQ(int64_t(report["blocked"]), 0);
  const auto cases = cases_of(run.out);
  EXPECT_EQ(int64_t(report["passed"]) + int64_t(report["not_applicable"]),
            static_cast<int64_t>(cases.size()));
  const std::string list = conformance({"--list"}).out;
  EXPECT_EQ(static_cast<size_t>(std::count(list.begin(), list.end(), '\n')), cases.size());
}

TEST(ConformanceTool, RunsTheNamedCasesOnlyInTheOrderOfTheList) {
  const CommandResult run = conformance({"--json", "--only", "points", "--only", "note", shipped("EMAHook")});
  EXPECT_EQ(run.exit_code, 0) << run.out;
  const auto cases = cases_of(run.out);
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[0].name, "note");
  EXPECT_EQ(cases[1].name, "points");
  EXPECT_EQ(cases[1].result, "pass");
  EXPECT_THAT(cases[1].sentence, StartsWith("Every point is called"));
}

TEST(ConformanceTool, RefusesWhatItDoesNotUnderstand) {
  const CommandResult unknown = conformance({"--only", "no_leeks", shipped("EMAHook")});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("no_leeks"), HasSubstr("did you mean \"no_leak\"?")));
  EXPECT_EQ(conformance({}).exit_code, 2);
  EXPECT_EQ(conformance({"--seed", "first", shipped("EMAHook")}).exit_code, 2);
  EXPECT_EQ(conformance({"--timeout", "-1", shipped("EMAHook")}).exit_code, 2);
  EXPECT_EQ(conformance({"--set", "interval", shipped("EMAHook")}).exit_code, 2);
  EXPECT_EQ(conformance({"--options", "/nowhere.toml", shipped("EMAHook")}).exit_code, 2);
  const CommandResult missing = conformance({shipped("NoSuchHook")});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("NoSuchHook.so"));
}

TEST(ConformanceTool, SaysHowToRepeatACaseThatFailed) {
  const CommandResult run = conformance({"--seed", "7", "--only", "points", faulty("crashes_in_callback")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out, HasSubstr("seed 7"));
  EXPECT_THAT(run.out, ContainsRegex("FAIL +points +it crashed with SIGSEGV in before_run"));
  EXPECT_THAT(run.out, HasSubstr("expected: Every point is called in every legal order"));
  EXPECT_THAT(run.out, HasSubstr("1 case: 0 passed, 1 failed, 0 not applicable, 0 blocked"));
  EXPECT_THAT(run.out,
              HasSubstr("grapnel-conformance --only points --seed 7 " + faulty("crashes_in_callback")));
}

TEST(ConformanceTool, GivesTheSameReportForTheSameSeed) {
  for (const std::string& plugin :
       {shipped("SyncRandomSizeHook"), faulty("crashes_in_callback"), particular()}) {
    const CommandResult first = conformance({"--seed", "3", plugin});
    const CommandResult second = conformance({"--seed", "3", plugin});
    EXPECT_EQ(first.out, second.out);
    EXPECT_EQ(first.exit_code, second.exit_code);
  }
}

TEST(ConformanceTool, TakesAHangForAResult) {
  const JsonCase hang = only_case("load", {"--timeout", "0.4", faulty("hangs_in_initializer")}, 1);
  EXPECT_EQ(hang.result, "fail");
  EXPECT_EQ(hang.message, "it hangs while it is loaded: not done after 0.4 s");
}

TEST(ConformanceTool, TakesACrashAndAnExitForAResult) {
  const JsonCase crash = only_case("load", {faulty("crashes_in_initializer")}, 1);
  EXPECT_EQ(crash.result, "fail");
  EXPECT_THAT(crash.message, StartsWith("it crashed with SIG"));
  const JsonCase exit = only_case("load", {faulty("exits_in_initializer")}, 1);
  EXPECT_THAT(exit.message, StartsWith("it ended the process while it is loaded with exit code"));
  const JsonCase thrown = only_case("load", {faulty("throws_in_initializer")}, 1);
  EXPECT_THAT(thrown.message, HasSubstr("its last words: an exception ended it: "));
}

TEST(ConformanceTool, BlocksWhatBuildsOnACaseThatFailed) {
  const CommandResult run = conformance({"--json", faulty("crashes_in_callback")});
  EXPECT_EQ(run.exit_code, 1);
  std::vector<std::string> failed;
  for (const JsonCase& each : cases_of(run.out)) {
    if (each.result == "fail") failed.push_back(each.name);
    EXPECT_EQ(each.message, each.result == "blocked" ? "points" : each.message) << each.name;
  }
  EXPECT_EQ(failed, std::vector<std::string>{"points"});
  // The reason is told where its own case is not shown.
  const JsonCase alone = only_case("no_leak", {faulty("crashes_in_callback")}, 1);
  EXPECT_EQ(alone.result, "blocked");
  EXPECT_THAT(alone.message, StartsWith("points (it crashed with SIGSEGV in before_run"));
}

TEST(ConformanceTool, BlamesNothingElseForAFileThatIsNoPlugin) {
  const TemporaryFolder folder;
  const std::string file = folder.write("text.so", "no ELF file at all");
  const CommandResult run = conformance({"--json", file});
  EXPECT_EQ(run.exit_code, 1);
  for (const JsonCase& each : cases_of(run.out)) {
    EXPECT_EQ(each.result, each.name == "elf_one_symbol" ? "fail" : "blocked") << each.name;
    EXPECT_THAT(each.message, HasSubstr(each.result == "fail" ? "not an ELF file" : "elf_one_symbol"));
  }
  const JsonCase plain = only_case("elf_one_symbol", {faulty("no_symbol")}, 1);
  EXPECT_THAT(plain.message, HasSubstr("does not export grapnel_plugin_v1"));
}

// A copy of a plugin that is linked against "LibTorch 1.13", with a note that says so.
std::string noted_copy(const TemporaryFolder& folder, const std::string& version) {
  std::string bytes = read_file(faulty("needs_torch_soname"));
  const std::string owner(GRAPNEL_NOTE_OWNER "\0", 8);
  const size_t note = bytes.find(owner);
  EXPECT_NE(note, std::string::npos);
  const size_t at = note + offsetof(grapnel_note, torch_version) - offsetof(grapnel_note, owner);
  bytes.replace(at, version.size() + 1, version.c_str(), version.size() + 1);
  return folder.write("noted.so", bytes);
}

TEST(ConformanceTool, ComparesLibTorchWithTheOneThatItIsToldOf) {
  const TemporaryFolder folder;
  const std::string plugin = noted_copy(folder, "1.13.0");
  EXPECT_EQ(only_case("elf_torch", {"--torch-version", "1.13.0", plugin}, 0).result, "pass");
  EXPECT_EQ(only_case("elf_torch", {plugin}, 0).result, "pass") << "compared with nothing";
  const JsonCase other = only_case("elf_torch", {"--torch-version", "2.1.0", plugin}, 1);
  EXPECT_THAT(other.message, StartsWith("built against LibTorch 1.13.0, this host runs LibTorch 2.1.0"));
  EXPECT_EQ(only_case("elf_torch", {"--torch-version", "2.1.0", faulty("working")}, 0).result, "pass");
}

TEST(ConformanceTool, SaysSoWhenNoOptionsCanBeGuessed) {
  const CommandResult run = conformance({"--json", particular()});
  EXPECT_EQ(run.exit_code, 0) << run.out;
  size_t tried = 0;
  for (const JsonCase& each : cases_of(run.out)) {
    if (each.name == "create_and_destroy") {
      EXPECT_EQ(each.result, "not_applicable");
      EXPECT_THAT(each.message, AllOf(HasSubstr("is not the word"), HasSubstr("--set")));
    } else if (each.result == "pass") {
      ++tried;
    } else {
      EXPECT_EQ(each.result, "not_applicable") << each.name << ": " << each.message;
    }
  }
  EXPECT_GE(tried, 9u) << "what can be looked at without an instance";
}

TEST(ConformanceTool, TakesOptionsFromTheUser) {
  EXPECT_EQ(only_case("points", {"--set", "word=open sesame", particular()}, 0).result, "pass");
  EXPECT_EQ(only_case("points", {"--set", "word=\"open sesame\"", particular()}, 0).result, "pass");
  const TemporaryFolder folder;
  // As the table stands in a config: what the host keeps for itself is passed over.
  const std::string file =
      folder.write("options.toml", "type = \"ParticularHook\"\nword = \"open sesame\"\n");
  EXPECT_EQ(only_case("points", {"--options", file, particular()}, 0).result, "pass");
  const JsonCase wrong = only_case("create_and_destroy", {"--set", "word=open", particular()}, 0);
  EXPECT_EQ(wrong.result, "not_applicable");
  EXPECT_THAT(wrong.message, HasSubstr("'open' is not the word"));
}

TEST(ConformanceTool, RefusesGivenOptionsThatTheTableDoesNotAllow) {
  const CommandResult unknown = conformance({"--set", "wort=open sesame", particular()});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("wort"), HasSubstr("did you mean \"word\"?")));
  const CommandResult wrong = conformance({"--set", "interval=0", shipped("LoggerHook")});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("1 or more"));
}

TEST(ConformanceTool, LeavesNoFilesBehind) {
  const TemporaryFolder folder;
  CommandOptions options;
  options.environment = {{"TMPDIR", folder.path()}};
  EXPECT_EQ(conformance({"--only", "points", "--only", "no_leak", shipped("LoggerHook")}, options).exit_code,
            0);
  EXPECT_EQ(conformance({"--only", "points", faulty("crashes_in_callback")}, options).exit_code, 1);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace grapnel::test
