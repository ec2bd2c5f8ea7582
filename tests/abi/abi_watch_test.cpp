// The headers against the frozen baseline, and the watch itself: every kind of break that a person can make
// in a header is caught with a sentence that names it, and an addition is told from a break.
#include "abi_watch.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <ostream>

#include "abi_listing.hpp"
#include "tree_copy.hpp"

namespace grapnel::abi {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

std::string newest_revision() { return source_tree().revisions().back(); }

TEST(Abi, TheHeadersAreTheFrozenOnes) {
  const test::TemporaryFolder scratch;
  const Tree tree = source_tree();
  ASSERT_EQ(tree.version(), newest_revision())
      << "version.h names a revision that has no baseline: accept_abi";
  const Verdict verdict = check_abi(tree, tree.include(), newest_revision(), scratch.path());
  EXPECT_EQ(verdict.change, Change::kNone) << verdict.text(newest_revision());
}

TEST(Abi, TheHeadersStillHoldEveryEarlierRevision) {
  const Tree tree = source_tree();
  ASSERT_FALSE(tree.revisions().empty());
  EXPECT_EQ(tree.revisions().front(), "1.0");
  for (const std::string& revision : tree.revisions()) {
    const test::TemporaryFolder scratch;
    const Verdict verdict = check_abi(tree, tree.include(), revision, scratch.path());
    EXPECT_NE(verdict.change, Change::kBroken) << verdict.text(revision);
  }
}

// The frozen copies and the baselines tell of the same ABI, and nobody edited the copies.
TEST(Abi, TheFrozenHeadersAreThoseOfTheirBaseline) {
  const Tree tree = source_tree();
  for (const std::string& revision : tree.revisions()) {
    const test::TemporaryFolder scratch;
    const std::string xml = scratch.file("copy.xml");
    write_abi_xml(tree.copy(revision) + "/abi_surface.c", tree.copy(revision) + "/include", scratch.path(),
                  xml);
    const Differences found = compare_listings(read_listing(tree.baseline(revision)), read_listing(xml));
    EXPECT_TRUE(found.broken.empty()) << revision << ": " << found.broken.front();
    EXPECT_TRUE(found.added.empty()) << revision << ": " << found.added.front();
    const std::string check = "cd '" + tree.copy(revision) + "' && sha256sum --quiet --strict -c SHA256SUMS";
    EXPECT_EQ(std::system(check.c_str()), 0) << "the frozen headers of " << revision << " were edited";
  }
}

// Two folders, one text; nothing of the machine in it.
TEST(Abi, TheBaselineIsTheSameWhereverItIsMade) {
  const test::TemporaryFolder one, other;
  const TreeCopy copy;
  const Tree tree = source_tree();
  write_abi_xml(tree.copy("1.0") + "/abi_surface.c", tree.copy("1.0") + "/include", one.path(),
                one.file("abi.xml"));
  write_abi_xml(copy.tree().surface(), copy.tree().include(), other.file("a/b"), other.file("abi.xml"));
  EXPECT_EQ(test::read_file(one.file("abi.xml")), test::read_file(other.file("abi.xml")));
  for (const std::string& revision : tree.revisions()) {
    const std::string text = test::read_file(tree.baseline(revision));
    for (const char* trace : {"comp-dir", "filepath", "architecture", "elf-needed", "='/", ".so"}) {
      EXPECT_THAT(text, Not(HasSubstr(trace))) << revision;
    }
  }
}

TEST(Abi, AMissingToolIsAnErrorThatNamesItsPackage) {
  const test::TemporaryFolder empty;
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", empty.path().c_str(), 1);
  std::string message;
  try {
    tool("abidw", "abigail-tools");
  } catch (const std::exception& e) {
    message = e.what();
  }
  const test::TemporaryFolder scratch;
  EXPECT_ANY_THROW(check_abi(source_tree(), source_tree().include(), newest_revision(), scratch.path()));
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_THAT(message, AllOf(HasSubstr("abidw was not found"), HasSubstr("Debian's abigail-tools")));
}

struct Mutation {
  const char* name;
  const char* header;
  const char* before;
  const char* after;
  const char* sentence;         // that the watch must say
  bool abidiff_sees_it = true;  // macros and enum constants leave no trace in a binary
};

std::ostream& operator<<(std::ostream& out, const Mutation& mutation) { return out << mutation.name; }
std::ostream& operator<<(std::ostream& out, Change change) {
  return out << (change == Change::kNone       ? "no change"
                 : change == Change::kAddition ? "an addition"
                                               : "a break");
}

class Mutated : public ::testing::TestWithParam<Mutation> {
 protected:
  // GRAPNEL_ABI_MINOR is not raised and nothing else is told: this is somebody who does not know.
  Verdict verdict() {
    const Mutation& mutation = GetParam();
    copy_.edit_header(mutation.header, mutation.before, mutation.after);
    return check_abi(copy_.tree(), copy_.tree().include(), "1.0", copy_.scratch());
  }
  const TreeCopy copy_;
};

class Break : public Mutated {};

TEST_P(Break, IsCaughtAndNamed) {
  const Verdict found = verdict();
  EXPECT_EQ(found.change, Change::kBroken) << found.text("1.0");
  EXPECT_THAT(found.sentences, Contains(HasSubstr(GetParam().sentence)));
  EXPECT_EQ((found.abidiff_status & 4) != 0, GetParam().abidiff_sees_it) << found.abidiff_report;
  EXPECT_THAT(found.text("1.0"), AllOf(HasSubstr("the hook ABI broke since 1.0"), HasSubstr("Undo it"),
                                       HasSubstr("How the ABI may grow"), Not(HasSubstr("accept it"))));
}

INSTANTIATE_TEST_SUITE_P(
    Of, Break,
    ::testing::Values(
        Mutation{"FieldsSwapped", "services/runner.h", "  int64_t max_epochs;\n  int64_t max_iters;",
                 "  int64_t max_iters;\n  int64_t max_epochs;",
                 "grapnel_run_state.max_epochs moved from byte 40 to byte 48"},
        Mutation{"FieldsSwappedThatLookAlike", "plugin.h",
                 "  uint32_t abi_major;\n  uint32_t abi_minor;\n  char type[64];",
                 "  uint32_t abi_minor;\n  uint32_t abi_major;\n  char type[64];",
                 "grapnel_note.abi_major moved from byte 20 to byte 24"},
        Mutation{"FieldWidened", "options.h", "  int32_t presence;", "  int64_t presence;",
                 "grapnel_option.presence is now 'long int', was 'int'"},
        Mutation{"FieldWidenedIntoPadding", "tensor.h", "  uint16_t lanes;", "  uint32_t lanes;",
                 "grapnel_dtype has 8 bytes, had 4"},
        Mutation{"SignChanged", "options.h", "  int64_t integer;", "  uint64_t integer;",
                 "grapnel_value.integer is now 'unsigned long int', was 'long int'"},
        Mutation{"ConstDropped", "host.h", "  const char *version; ", "  char *version; ",
                 "grapnel_host.version is now 'char*', was 'const char*'"},
        Mutation{"FieldRenamed", "points.h", "  int64_t batch_idx;", "  int64_t batch_index;",
                 "grapnel_point_args.batch_idx is gone or renamed"},
        Mutation{"FieldRemovedAtTheEnd", "points.h", "  const char *message; ", "  /* gone */ ",
                 "grapnel_point_args has 72 bytes, had 80"},
        Mutation{
            "SlotInTheMiddle", "hook.h", "  grapnel_point_fn after_run;",
            "  grapnel_point_fn before_after_run;\n  grapnel_point_fn after_run;",
            "grapnel_hook_vtable.before_after_run 'int (*)(void*, const struct grapnel_point_args*, struct "
            "grapnel_error*)' was put at byte 48, before the end"},
        Mutation{"SlotsSwapped", "hook.h", "  grapnel_point_fn before_val;\n  grapnel_point_fn after_val;",
                 "  grapnel_point_fn after_val;\n  grapnel_point_fn before_val;",
                 "grapnel_hook_vtable.before_val moved from byte 104 to byte 112"},
        Mutation{"ServiceTableGrown", "services/log.h", "} grapnel_log_service;",
                 "  void (*flush)(const grapnel_host *host);\n} grapnel_log_service;",
                 "grapnel_log_service has 32 bytes, had 24: a published service table never changes"},
        Mutation{
            "ServiceFunctionChanged", "services/optimizer.h", "uint64_t index, double lr,",
            "uint64_t index, const double *lr,",
            "grapnel_optimizer_service.set_lr is now 'int (*)(const struct grapnel_host*, unsigned long int, "
            "const double*, struct grapnel_error*)'"},
        Mutation{"StructSizeDropped", "services/values.h", "  uint32_t struct_size;\n  int32_t is_tensor;",
                 "  int32_t is_tensor;", "grapnel_named_value.struct_size is gone or renamed"},
        Mutation{"PointFunctionChanged", "points.h", "(void *self, const grapnel_point_args *args,",
                 "(void *self, grapnel_point_args *args,",
                 "grapnel_hook_vtable.before_run is now 'int (*)(void*, struct"},
        Mutation{"ParameterDropped", "hook.h", "  void (*destroy)(void *self);", "  void (*destroy)(void);",
                 "grapnel_hook_vtable.destroy is now 'void (*)()', was 'void (*)(void*)'"},
        Mutation{"StatusWidened", "status.h", "typedef int32_t grapnel_status;",
                 "typedef int64_t grapnel_status;",
                 "grapnel_runner_service.request_stop is now 'long int (*)"},
        Mutation{"FixedStructGrown", "tensor.h", "} grapnel_tensor;", "  int64_t layout;\n} grapnel_tensor;",
                 "grapnel_tensor has 56 bytes, had 48: it has no struct_size and can never grow"},
        Mutation{"NoteWidened", "plugin.h", "  char type[64];", "  char type[128];",
                 "grapnel_note.type is now 'char[128]', was 'char[64]'"},
        Mutation{"EnumConstantChanged", "options.h", "GRAPNEL_KIND_TREE = 9", "GRAPNEL_KIND_TREE = 10",
                 "GRAPNEL_KIND_TREE changed, it was 9", false},
        Mutation{"EnumConstantPutInTheMiddle", "points.h", "  GRAPNEL_POINT_AFTER_RUN = 1,",
                 "  GRAPNEL_POINT_DURING_RUN = 1,\n  GRAPNEL_POINT_AFTER_RUN = 2,",
                 "GRAPNEL_POINT_AFTER_RUN changed, it was 1", false},
        Mutation{"ServiceIdChanged", "services/log.h", "\"grapnel.log/1\"", "\"grapnel.log/2\"",
                 "GRAPNEL_SERVICE_LOG changed, it was \"grapnel.log/1\"", false},
        Mutation{"EntrySymbolChanged", "plugin.h", "\"grapnel_plugin_v1\"", "\"grapnel_plugin\"",
                 "GRAPNEL_ENTRY_SYMBOL changed", false},
        Mutation{"NoteTypeChanged", "plugin.h", "#define GRAPNEL_NOTE_TYPE 1", "#define GRAPNEL_NOTE_TYPE 2",
                 "GRAPNEL_NOTE_TYPE changed, it was 1", false},
        Mutation{"ExportMacroChanged", "plugin.h",
                 "extern \"C\" __attribute__((visibility(\"default\"), used))",
                 "extern \"C\" __attribute__((used))", "GRAPNEL_EXPORT expands to something else", false},
        Mutation{"NoteMacroChanged", "plugin.h", "used, aligned(4)))", "used, aligned(8)))",
                 "GRAPNEL_PLUGIN_NOTE(\"T\", \"V\") expands to something else", false},
        Mutation{"MajorChanged", "version.h", "GRAPNEL_ABI_MAJOR 1", "GRAPNEL_ABI_MAJOR 2",
                 "GRAPNEL_ABI_MAJOR changed, it was 1", false}),
    [](const auto& mutation) { return std::string(mutation.param.name); });

class Addition : public Mutated {};

TEST_P(Addition, IsToldFromABreakWithTheWayToAcceptIt) {
  const Verdict found = verdict();
  EXPECT_EQ(found.change, Change::kAddition) << found.text("1.0");
  EXPECT_THAT(found.sentences, Contains(HasSubstr(GetParam().sentence)));
  EXPECT_THAT(found.text("1.0"), AllOf(HasSubstr("addition: accept it"), HasSubstr("--target accept_abi"),
                                       HasSubstr("GRAPNEL_ABI_MINOR"), HasSubstr("sdk/CHANGELOG.md"),
                                       HasSubstr("frozen_offsets.h"), HasSubstr(GetParam().sentence)));
}

INSTANTIATE_TEST_SUITE_P(
    Of, Addition,
    ::testing::Values(
        Mutation{"Slot", "hook.h", "} grapnel_hook_vtable;",
                 "  grapnel_point_fn on_pause;\n} grapnel_hook_vtable;",
                 "grapnel_hook_vtable.on_pause 'int (*)(void*, const struct grapnel_point_args*, struct "
                 "grapnel_error*)' was appended at byte 256"},
        Mutation{"OptionField", "options.h", "} grapnel_option;", "  const char *unit;\n} grapnel_option;",
                 "grapnel_option.unit 'const char*' was appended at byte 88"},
        Mutation{"ValueField", "options.h", "} grapnel_value;", "  uint64_t source_line;\n} grapnel_value;",
                 "grapnel_value.source_line 'unsigned long int' was appended at byte 80"},
        Mutation{"DescriptorField", "plugin.h", "} grapnel_plugin;",
                 "  const char *homepage;\n} grapnel_plugin;",
                 "grapnel_plugin.homepage 'const char*' was appended at byte 96"},
        Mutation{"PointArgument", "points.h", "} grapnel_point_args;",
                 "  int64_t world_size;\n} grapnel_point_args;",
                 "grapnel_point_args.world_size 'long int' was appended at byte 80"}),
    [](const auto& mutation) { return std::string(mutation.param.name); });

// An append does not hide what was broken beside it.
TEST(Abi, AnAdditionBesideABreakIsABreak) {
  const TreeCopy copy;
  copy.edit_header("hook.h", "} grapnel_hook_vtable;",
                   "  grapnel_point_fn on_pause;\n} grapnel_hook_vtable;");
  copy.edit_header("hook.h", "  grapnel_point_fn before_val;\n", "");
  const Verdict found = check_abi(copy.tree(), copy.tree().include(), "1.0", copy.scratch());
  EXPECT_EQ(found.change, Change::kBroken);
  EXPECT_THAT(found.sentences, Contains(HasSubstr("grapnel_hook_vtable.before_val is gone or renamed")));
}

// Nothing that a plugin could see.
TEST(Abi, CommentsAndParameterNamesAreFree) {
  const TreeCopy copy;
  copy.edit_header("hook.h", "#define GRAPNEL_HOOK_H", "#define GRAPNEL_HOOK_H /* a comment */");
  copy.edit_header("hook.h", "  void (*destroy)(void *self);", "  void (*destroy)(void *instance);");
  copy.edit_header("services/log.h", "GRAPNEL_LOG_ERROR = 3 }",
                   "GRAPNEL_LOG_ERROR = 3, GRAPNEL_LOG_FATAL = 4 }");
  const Verdict found = check_abi(copy.tree(), copy.tree().include(), "1.0", copy.scratch());
  EXPECT_EQ(found.change, Change::kNone) << found.text("1.0");
}

}  // namespace
}  // namespace grapnel::abi
