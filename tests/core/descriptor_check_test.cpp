// A descriptor that is wrong in one way at a time.
#include "core/descriptor_check.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>

namespace grapnel {
namespace {

using ::testing::HasSubstr;

grapnel_status create(const grapnel_host*, const grapnel_value*, uint64_t, uint64_t, void**, grapnel_error*) {
  return GRAPNEL_STATUS_OK;
}
void destroy(void*) {}
grapnel_status save(void*, const grapnel_state_writer*, grapnel_error*) { return GRAPNEL_STATUS_OK; }
grapnel_status point(void*, const grapnel_point_args*, grapnel_error*) { return GRAPNEL_STATUS_OK; }

// Everything a descriptor points to, right until a test spoils it.
struct Parts {
  grapnel_hook_vtable vtable{};
  std::vector<grapnel_option> options;
  grapnel_plugin plugin{};

  Parts() {
    vtable.struct_size = sizeof vtable;
    vtable.create = create;
    vtable.destroy = destroy;
    options.assign(2, {sizeof(grapnel_option), GRAPNEL_KIND_INT, GRAPNEL_OPTION_DEFAULTED, 0, "interval",
                       "meaning", "50", 1, INFINITY, nullptr, 0, 0, 0});
    options[1].name = "limit";
    plugin = {sizeof plugin,
              GRAPNEL_ABI_MAJOR,
              GRAPNEL_ABI_MINOR,
              50,
              "MyHook",
              "1.0",
              "",
              "",
              "",
              "",
              nullptr,
              2,
              sizeof(grapnel_option),
              &vtable};
  }
  std::string check() {
    plugin.options = options.data();
    return check_descriptor(plugin);
  }
};

std::string problem(const std::function<void(Parts&)>& spoil) {
  Parts parts;
  spoil(parts);
  return parts.check();
}

TEST(DescriptorCheck, AcceptsARightDescriptor) {
  EXPECT_EQ(problem([](Parts&) {}), "");
  EXPECT_EQ(problem([](Parts& p) { p.plugin.option_count = 0, p.plugin.option_size = 0; }), "");
}

TEST(DescriptorCheck, RefusesBrokenHeaders) {
  EXPECT_THAT(problem([](Parts& p) { p.plugin.struct_size = 0; }),
              HasSubstr("descriptor is too small: 0 bytes"));
  EXPECT_THAT(problem([](Parts& p) { p.plugin.struct_size -= 8; }), HasSubstr("too small"));
  EXPECT_THAT(problem([](Parts& p) { p.plugin.abi_major = 2; }),
              HasSubstr("hook ABI 2.0, this host has ABI 1.0: rebuild it"));
  EXPECT_THAT(problem([](Parts& p) { p.plugin.abi_minor = 7; }),
              HasSubstr("1.7 or newer, this host has ABI 1.0"));
  EXPECT_THAT(problem([](Parts& p) { p.plugin.type = nullptr; }), HasSubstr("type is null"));
  EXPECT_THAT(problem([](Parts& p) { p.plugin.version = nullptr; }), HasSubstr("version is null"));
  EXPECT_THAT(problem([](Parts& p) { p.plugin.torch_version = nullptr; }),
              HasSubstr("torch_version is null"));
  EXPECT_THAT(problem([](Parts& p) { p.plugin.type = "my hook"; }), HasSubstr("no valid name"));
  EXPECT_THAT(problem([](Parts& p) { p.plugin.type = ""; }), HasSubstr("no valid name"));
  EXPECT_THAT(problem([](Parts& p) { p.plugin.default_priority = 101; }), HasSubstr("priority is 101"));
}

TEST(DescriptorCheck, RefusesAnythingButZeroInReserved) {
  EXPECT_THAT(problem([](Parts& p) { p.vtable.reserved = 7; }), HasSubstr("its vtable has 7 in reserved"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].reserved = -1; }),
              HasSubstr("its option \"limit\" has -1 in reserved, expected 0"));
}

TEST(DescriptorCheck, RefusesBrokenVtables) {
  EXPECT_THAT(problem([](Parts& p) { p.plugin.vtable = nullptr; }), HasSubstr("vtable is null"));
  EXPECT_THAT(problem([](Parts& p) { p.vtable.struct_size = 16; }),
              HasSubstr("vtable is too small: 16 bytes"));
  EXPECT_THAT(problem([](Parts& p) { p.vtable.create = nullptr; }),
              HasSubstr("no create, which is required"));
  EXPECT_THAT(problem([](Parts& p) { p.vtable.destroy = nullptr; }), HasSubstr("no destroy"));
  EXPECT_THAT(problem([](Parts& p) { p.vtable.save_state = save; }),
              HasSubstr("save_state but no load_state: give both or neither"));
}

TEST(DescriptorCheck, RefusesBrokenOptionTables) {
  EXPECT_THAT(problem([](Parts& p) { p.plugin.option_count = 1u << 30; }), HasSubstr("options"));
  EXPECT_THAT(problem([](Parts& p) { p.plugin.option_size = 8; }), HasSubstr("too small: 8 bytes"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].struct_size = 4096; }), HasSubstr("row 1"));
  EXPECT_THAT(problem([](Parts& p) { p.options[0].struct_size = 0; }), HasSubstr("row 0"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].name = nullptr; }),
              HasSubstr("row 1 of its option table has no name"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].name = "interval"; }), HasSubstr("\"interval\" twice"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].name = "a b"; }), HasSubstr("no valid name"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].kind = 99; }), HasSubstr("unknown kind 99"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].presence = 3; }), HasSubstr("unknown presence 3"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].summary = nullptr; }), HasSubstr("no summary"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].default_text = nullptr; }), HasSubstr("has no default"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].presence = GRAPNEL_OPTION_REQUIRED; }),
              HasSubstr("has a default"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].min = 3, p.options[1].max = 2; }),
              HasSubstr("impossible range"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].min = NAN; }), HasSubstr("impossible range"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].choice_count = 2; }), HasSubstr("broken list of choices"));
  EXPECT_THAT(problem([](Parts& p) { p.options[1].max_items = 2; }), HasSubstr("is no list"));
  static const char* const choices[] = {"a", nullptr};
  EXPECT_THAT(problem([](Parts& p) { p.options[1].choices = choices, p.options[1].choice_count = 1; }),
              HasSubstr("is no string"));
  EXPECT_THAT(problem([](Parts& p) {
                p.options[1].kind = GRAPNEL_KIND_STRING, p.options[1].choices = choices,
                p.options[1].choice_count = 2;
              }),
              HasSubstr("null choice"));
  EXPECT_THAT(problem([](Parts& p) {
                p.options[1].kind = GRAPNEL_KIND_INT_LIST, p.options[1].min_items = 3,
                p.options[1].max_items = 2;
              }),
              HasSubstr("impossible number of items"));
  for (const char* reserved : {"type", "priority", "on_error", "state_key", "sha256"}) {
    EXPECT_THAT(problem([&](Parts& p) { p.options[1].name = reserved; }),
                HasSubstr("keeps for itself: rename it"))
        << reserved;
  }
}

TEST(DescriptorCheck, ReadsRowsThatAreLongerThanItsOwn) {
  struct LongRow {
    grapnel_option known;
    uint64_t newer[3];
  };
  Parts parts;
  LongRow rows[2] = {{parts.options[0], {7, 7, 7}}, {parts.options[1], {7, 7, 7}}};
  rows[0].known.struct_size = rows[1].known.struct_size = sizeof(LongRow);
  parts.plugin.options = &rows[0].known;
  parts.plugin.option_size = sizeof(LongRow);
  EXPECT_EQ(check_descriptor(parts.plugin), "");
  const auto options = known_options(parts.plugin);
  ASSERT_EQ(options.size(), 2u);
  EXPECT_STREQ(options[1].name, "limit");
  EXPECT_EQ(options[1].struct_size, sizeof(grapnel_option));
}

TEST(DescriptorCheck, GivesFieldsThatAShorterRowLacksNoLimits) {
  Parts parts;
  constexpr size_t kShort = offsetof(grapnel_option, min);
  std::vector<char> bytes(2 * kShort);
  for (size_t i = 0; i < 2; ++i) {
    parts.options[i].struct_size = kShort;
    std::memcpy(bytes.data() + i * kShort, &parts.options[i], kShort);
  }
  parts.plugin.options = reinterpret_cast<const grapnel_option*>(bytes.data());
  parts.plugin.option_size = kShort;
  EXPECT_EQ(check_descriptor(parts.plugin), "");
  const auto options = known_options(parts.plugin);
  ASSERT_EQ(options.size(), 2u);
  EXPECT_STREQ(options[1].name, "limit");
  EXPECT_STREQ(options[1].default_text, "50");
  EXPECT_EQ(options[1].min, -INFINITY);
  EXPECT_EQ(options[1].max, INFINITY);
}

TEST(DescriptorCheck, KnowsOnlyWholeSlotsOfAVtable) {
  grapnel_hook_vtable vtable{};
  vtable.create = create;
  vtable.destroy = destroy;
  vtable.before_run = point;
  vtable.after_run = point;
  vtable.struct_size = offsetof(grapnel_hook_vtable, after_run) + 4;
  const grapnel_hook_vtable known = known_vtable(vtable);
  EXPECT_EQ(known.before_run, &point);
  EXPECT_EQ(known.after_run, nullptr);
  EXPECT_EQ(known.struct_size, sizeof(grapnel_hook_vtable));
}

}  // namespace
}  // namespace grapnel
