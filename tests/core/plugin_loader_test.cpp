// Each defective plugin gives its one message, as a config error, before any hook runs.
#include "core/plugin_loader.hpp"

#include <filesystem>

#include "core/hooks_listing.hpp"
#include "core/load_probe.hpp"
#include "core/mapped_file.hpp"
#include "core/sha256.hpp"
#include "hook_host_fixture.hpp"
#include "temporary_folder.hpp"

namespace grapnel {
namespace {

namespace fs = std::filesystem;
using test::faulty_plugin;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PluginLoader : public test::HookHostFixture {
 protected:
  void SetUp() override { ::setenv("GRAPNEL_PROBE_TIMEOUT_S", "20", 1); }
  void TearDown() override { ::unsetenv("GRAPNEL_PROBE_TIMEOUT_S"); }

  // The one message of a config that names a working recorder first and then `type`.
  std::string message_for(const std::string& type) {
    HookHost host(services_, this);
    try {
      host.load(catalog_, hooks(recorder("first") + plain(type)));
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.kind(), FailureKind::kConfig);
      EXPECT_EQ(std::string(failure.what()).find('\n'), std::string::npos) << "more than one line";
      EXPECT_THAT(failure.what(), HasSubstr("demo.toml:"));
      EXPECT_THAT(failure.what(), HasSubstr("custom_hooks.1"));
      return failure.what();
    }
    return "it was loaded";
  }
};

struct Defect {
  const char* type;
  const char* message;
};

class DefectivePlugin : public PluginLoader, public ::testing::WithParamInterface<Defect> {};

TEST_P(DefectivePlugin, GivesItsOneMessageBeforeAnyHookIsCreated) {
  EXPECT_THAT(message_for(GetParam().type), HasSubstr(GetParam().message));
  EXPECT_THAT(journal_, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Each, DefectivePlugin,
    ::testing::Values(
        Defect{"NoSymbol", "does not export grapnel_plugin_v1"},
        Defect{"no_note", "has no note .note.grapnel"}, Defect{"no_plugin", "no Grapnel plugin"},
        Defect{"WrongNote", "its note names the type WrongNote, its descriptor SomethingElse"},
        Defect{"OtherAbiMajor", "built for hook ABI 2.0, this host has ABI 1.0: rebuild it"},
        Defect{"NewerMinor", "needs hook ABI 1.9 or newer, this host has ABI 1.0: update the host"},
        Defect{"UnresolvedSymbol", "unresolved symbol: a_function_nobody_has"},
        Defect{"MissingLibrary", "needs the library libfaulty_gone.so, which was not found: install it"},
        Defect{"ThrowsInInitializer", "threw while it was loaded: no licence file"},
        Defect{"CrashesInInitializer", "crashes while it is loaded: SIGSEGV"},
        Defect{"ExitsInInitializer", "exit code 7 (its last words: evaluation period is over)"},
        Defect{"BadDefault", "the default of its option \"interval\" is not allowed by its own table"}),
    [](const auto& defect) { return std::string(defect.param.type); });

TEST_F(PluginLoader, SendsTheAuthorOfAFaultyPluginToTheConformanceCheckOnce) {
  for (const char* type : {"WrongNote", "ThrowsInInitializer", "CrashesInInitializer", "BadDefault"}) {
    const std::string message = message_for(type);
    const size_t at = message.find("(`grapnel hooks check " + catalog_.find(type)->path + "` tells more)");
    ASSERT_NE(at, std::string::npos) << message;
    EXPECT_EQ(message.find("hooks check", at + 20), std::string::npos) << message;
  }
}

TEST_F(PluginLoader, APluginThatHangsIsAMessageAfterTheTimeLimit) {
  ::setenv("GRAPNEL_PROBE_TIMEOUT_S", "0.3", 1);
  EXPECT_THAT(message_for("HangsInInitializer"),
              HasSubstr("hangs while it is loaded: not done after 0.3 s (GRAPNEL_PROBE_TIMEOUT_S"));
  EXPECT_THAT(journal_, IsEmpty());
}

TEST_F(PluginLoader, RefusesABrokenTimeLimit) {
  for (const char* wrong : {"soon", "0", "-1", "nan", "1s"}) {
    ::setenv("GRAPNEL_PROBE_TIMEOUT_S", wrong, 1);
    EXPECT_THROW(load_probe_limits(), Failure) << wrong;
  }
}

TEST_F(PluginLoader, AHookThatCannotBeCreatedEndsTheOthers) {
  EXPECT_THAT(
      message_for("FailsToCreate"),
      AllOf(HasSubstr("could not be created: the camera is not connected"), Not(HasSubstr("hooks check"))));
  EXPECT_THAT(message_for("FailsWithoutReason"),
              AllOf(HasSubstr("gave no reason (status 4)"), HasSubstr("`grapnel hooks check ")));
  EXPECT_THAT(message_for("ThrowsInCreate"),
              AllOf(HasSubstr("it threw: thrown across the border"), HasSubstr("`grapnel hooks check ")));
  // The recorder's priority is LOW, so it comes after the others and is never created.
  EXPECT_THAT(journal_, IsEmpty());
}

TEST_F(PluginLoader, NamesAFileThatIsNoPluginOfThatName) {
  test::TemporaryFolder folder;
  const auto bytes = test::read_bytes(faulty_plugin("working"));
  folder.write("NotAnElf.so", "#!/bin/sh\n");
  test::write_bytes(folder.file("Truncated.so"),
                    {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2)});
  auto foreign = bytes;
  foreign[18] = 22;  // e_machine: S/390
  test::write_bytes(folder.file("OtherMachine.so"), foreign);
  catalog_ = PluginCatalog::scan({folder.path()});
  const auto message = [&](const std::string& type) {
    HookHost host(services_, this);
    return test::message_of<Failure>([&] { host.load(catalog_, hooks(plain(type))); });
  };
  EXPECT_THAT(message("NotAnElf"), HasSubstr("NotAnElf.so: not an ELF file"));
  EXPECT_THAT(message("Truncated"), HasSubstr("Truncated.so: truncated"));
  EXPECT_THAT(message("OtherMachine"), HasSubstr("OtherMachine.so: built for s390, this host is"));
}

TEST_F(PluginLoader, LoadsAFileOnceAndKeepsIt) {
  const PluginFile* file = catalog_.find("Working");
  const auto first = load_plugins({{file, "", "here"}, {file, "", "there"}});
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0], first[1]);
  EXPECT_EQ(load_plugins({{file, "", "again"}})[0], first[0]);
  EXPECT_STREQ(first[0]->descriptor->type, "Working");
}

TEST_F(PluginLoader, ChecksTheDigestOfTheFile) {
  const auto bytes = test::read_bytes(faulty_plugin("working"));
  Sha256 hash;
  hash.update(bytes.data(), bytes.size());
  const std::string digest = hash.hex_digest();
  HookHost host(services_, this);
  host.load(catalog_, hooks(plain("Working", "sha256 = \"" + digest + "\"")));
  EXPECT_EQ(host.size(), 1u);

  std::string other = digest;
  other[0] = other[0] == '0' ? '1' : '0';
  HookHost second(services_, this);
  EXPECT_THAT(test::message_of<Failure>(
                  [&] { second.load(catalog_, hooks(plain("Working", "sha256 = \"" + other + "\""))); }),
              AllOf(HasSubstr("SHA-256 is " + digest), HasSubstr("expects " + other),
                    HasSubstr("write the new digest into the config")));
}

TEST_F(PluginLoader, NoticesWhenAnotherFileIsMapped) {
  test::TemporaryFolder folder;
  fs::copy_file(faulty_plugin("working"), folder.file("copy.so"));
  const auto plugin = load_plugins({{catalog_.find("Working"), "", "here"}})[0];
  EXPECT_TRUE(PinnedFile(faulty_plugin("working")).is_mapped_at(plugin->descriptor));
  EXPECT_FALSE(PinnedFile(folder.file("copy.so")).is_mapped_at(plugin->descriptor));
  EXPECT_FALSE(PinnedFile(faulty_plugin("working")).is_mapped_at(&folder));
  EXPECT_THROW(PinnedFile("/nowhere/x.so"), Failure);
}

TEST_F(PluginLoader, ProbesSideBySide) {
  const std::string program = probe_program();
  ASSERT_FALSE(program.empty());
  std::vector<LoadProbe> probes(40, LoadProbe{faulty_plugin("working"), false});
  probes[7].path = faulty_plugin("crashes_in_initializer");
  probes[33].path = faulty_plugin("unresolved_symbol");
  const auto reasons = probe_loads(program, probes, {});
  ASSERT_EQ(reasons.size(), probes.size());
  for (size_t i = 0; i < reasons.size(); ++i) EXPECT_EQ(reasons[i].empty(), i != 7 && i != 33) << reasons[i];
  EXPECT_THROW(probe_loads("/nowhere/grapnel-probe", probes, {}), Failure);
}

TEST_F(PluginLoader, ListsWhatIsThereWithoutLoadingIt) {
  const std::string text = list_hooks_text(catalog_);
  EXPECT_THAT(text, HasSubstr("Recorder"));
  EXPECT_THAT(text, HasSubstr("rejected: needs hook ABI 1.9 or newer"));
  EXPECT_THAT(text, HasSubstr("searched: " + test::faulty_folder()));
  const ConfigNode json = parse_json(list_hooks_json(catalog_));
  EXPECT_EQ(json.find("plugins")->items().size(), catalog_.files().size());
  EXPECT_EQ(json.find("folders")->items()[0].as_string(), test::faulty_folder());
  EXPECT_EQ(list_hooks_text(PluginCatalog::scan({})), "no plugins\nsearched:\n");
}

TEST_F(PluginLoader, DescribesAHookFromItsTables) {
  const LoadedPlugin& plugin = load_described_hook(catalog_, "Recorder");
  const std::string text = describe_hook_text(plugin);
  EXPECT_THAT(text, AllOf(HasSubstr("Recorder 1.2.3"), HasSubstr("Records its calls"), HasSubstr("The tests"),
                          HasSubstr("label    string  \"r\"             begins every line")));
  EXPECT_THAT(
      text, HasSubstr("points    before_run, after_run, before_train_iter, after_train_iter, on_exception"));
  const ConfigNode json = parse_json(describe_hook_json(plugin));
  EXPECT_EQ(json.find("default_priority")->as_int(), 70);
  EXPECT_TRUE(json.find("keeps_state")->as_bool());
  EXPECT_EQ(json.find("options")->items()[1].find("default")->as_string(), "\"\"");
  EXPECT_EQ(json.find("points")->items().size(), 5u);
  EXPECT_THAT(test::message_of<Failure>([&] { load_described_hook(catalog_, "Recordr"); }),
              HasSubstr("did you mean Recorder?"));
}

}  // namespace
}  // namespace grapnel
