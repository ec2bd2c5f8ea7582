// That the watch looks at everything: every struct of the headers is in the surface, every field has a frozen
// offset, every constant a frozen value.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "abi_listing.hpp"
#include "tree_copy.hpp"

namespace grapnel::abi {
namespace {

namespace fs = std::filesystem;

// The C headers' text without comments.
std::string header_text() {
  std::string text;
  int headers = 0;
  for (const auto& entry : fs::recursive_directory_iterator(source_tree().include())) {
    if (entry.path().extension() != ".h") continue;
    text += test::read_file(entry.path());
    ++headers;
  }
  EXPECT_GE(headers, 18);
  return std::regex_replace(text, std::regex(R"(/\*(?:[^*]|\*(?!/))*\*/)"), " ");
}

// The first group of every match.
std::set<std::string> all(const std::string& text, const char* pattern) {
  std::set<std::string> found;
  const std::regex regex(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) found.insert((*it)[1]);
  return found;
}

Listing live_listing() {
  const test::TemporaryFolder scratch;
  write_abi_xml(source_tree().surface(), source_tree().include(), scratch.path(), scratch.file("abi.xml"));
  return read_listing(scratch.file("abi.xml"));
}

std::string test_header(const char* name) {
  return test::read_file(source_tree().root + "/tests/sdk/" + name);
}

TEST(AbiSurface, ShowsEveryStructOfTheHeaders) {
  const auto declared = all(header_text(), R"(struct (grapnel_\w+) \{)");
  EXPECT_GE(declared.size(), 30u);
  std::set<std::string> shown;
  for (const auto& [name, entry] : live_listing()) shown.insert(name);
  EXPECT_EQ(shown, declared);
}

TEST(AbiSurface, EveryStructThatMayGrowTellsItsSize) {
  // What has no struct_size is as it is for ever: DLPack's three, and the note.
  const std::set<std::string> fixed = {"grapnel_device", "grapnel_dtype", "grapnel_note", "grapnel_tensor"};
  const Listing listing = live_listing();
  const auto size_of = [&](const std::string& type) -> uint64_t {
    if (type == "int" || type == "unsigned int") return 4;
    return type.rfind("struct ", 0) == 0 && type.back() != '*' ? listing.at(type.substr(7)).bytes : 8;
  };
  for (const auto& [name, entry] : listing) {
    ASSERT_FALSE(entry.fields.empty()) << name;
    if (fixed.count(name) != 0) continue;
    EXPECT_EQ(entry.fields[0].name, "struct_size") << name;
    EXPECT_EQ(entry.fields[0].type, "unsigned int") << name;
    // No room after the last field: one that is appended must change the size, or nobody could ask for it.
    const Field& last = entry.fields.back();
    EXPECT_EQ(last.byte + size_of(last.type), entry.bytes) << name << "." << last.name;
  }
}

TEST(FrozenOffsets, HoldEveryFieldSizeAndAlignment) {
  const std::string frozen = test_header("frozen_offsets.h");
  std::set<std::string> lines = all(frozen, R"((?:^|\n)(FROZEN(?:_SIZE)?\(grapnel_[^;]*;))");
  size_t fields = 0;
  const std::map<std::string, int> alignments = {
      {"grapnel_device", 4}, {"grapnel_dtype", 2}, {"grapnel_note", 4}};
  for (const auto& [name, entry] : live_listing()) {
    const auto alignment = alignments.count(name) != 0 ? alignments.at(name) : 8;
    std::vector<std::string> expected = {"FROZEN_SIZE(" + name + ", " + std::to_string(entry.bytes) + ", " +
                                         std::to_string(alignment) + ");"};
    for (const Field& field : entry.fields) {
      expected.push_back("FROZEN(" + name + ", " + field.name + ", " + std::to_string(field.byte) + ");");
      ++fields;
    }
    for (const std::string& line : expected) {
      EXPECT_EQ(lines.erase(line), 1u) << "tests/sdk/frozen_offsets.h lacks: " << line;
    }
  }
  EXPECT_GE(fields, 230u);
  for (const std::string& line : lines) ADD_FAILURE() << "tests/sdk/frozen_offsets.h has too much: " << line;
}

TEST(FrozenConstants, HoldEveryEnumConstantAndMacro) {
  const std::string text = header_text();
  std::set<std::string> declared = all(text, R"(\n#define (GRAPNEL_\w+)[ (])");
  for (const std::string& body : all(text, R"(enum\s*\{([^}]*)\})")) {
    for (const std::string& name : all(body, R"((GRAPNEL_\w+)\s*=)")) declared.insert(name);
    // A constant without a written value would not be found above.
    EXPECT_EQ(all(body, R"((GRAPNEL_\w+))").size(), all(body, R"((GRAPNEL_\w+\s*=))").size()) << body;
  }
  EXPECT_GE(declared.size(), 90u);
  declared.erase("GRAPNEL_VERSION");  // the release's, not the ABI's
  const auto frozen =
      all(test_header("frozen_constants.h"), R"(\nFROZEN_(?:NUMBER|LEAST|TEXT|MACRO)\((GRAPNEL_\w+))");
  EXPECT_EQ(frozen, declared);
}

}  // namespace
}  // namespace grapnel::abi
