// The watch over the hook ABI: compares the headers with a frozen baseline by libabigail (structs and
// function types) and by a table of static asserts (macros and enum constants), and says whether old plugins
// still work.
#pragma once

#include <string>
#include <vector>

namespace grapnel::abi {

// A source tree, or a copy of these parts of one.
struct Tree {
  std::string root;

  std::string include() const { return root + "/sdk/include"; }
  std::string changelog() const { return root + "/sdk/CHANGELOG.md"; }
  std::string constants() const { return root + "/tests/sdk/frozen_constants.h"; }
  std::string surface() const { return root + "/tests/abi/abi_surface.c"; }
  std::string baseline(const std::string& revision) const {
    return root + "/tests/abi/baseline/abi-" + revision + ".xml";
  }
  std::string copy(const std::string& revision) const { return root + "/tests/abi/revisions/" + revision; }
  // "1.0", "1.1": those that have a baseline, oldest first.
  std::vector<std::string> revisions() const;
  // version.h's ABI major and minor.
  std::string version() const;
};

enum class Change { kNone, kAddition, kBroken };

struct Verdict {
  Change change = Change::kNone;
  std::vector<std::string> sentences;  // what changed
  int abidiff_status = 0;              // as abidiff exits: 4 is 'changed', 8 'incompatible'
  std::string abidiff_report;

  // For the person who made the change: what it is, and what to do about it.
  std::string text(const std::string& revision) const;
};

// Compiles the C file `surface` against `include_folder` and writes what abidw sees in it to `xml_path`;
// works in `scratch`. Throws std::runtime_error when a tool is missing or refuses.
void write_abi_xml(const std::string& surface, const std::string& include_folder, const std::string& scratch,
                   const std::string& xml_path);

// The headers under `include_folder` against the tree's baseline of `revision` and its table of constants.
Verdict check_abi(const Tree& tree, const std::string& include_folder, const std::string& revision,
                  const std::string& scratch);

// Takes an addition into the tree: a baseline and a frozen copy of the headers for version.h's revision, as
// long as CHANGELOG.md calls it unreleased. Gives what was done; throws std::runtime_error, having written
// nothing, when the change breaks old plugins or the version or the changelog do not tell of it. The first
// revision is taken as it is while it is unreleased.
std::string accept_addition(const Tree& tree, const std::string& scratch);

// A program's path; throws std::runtime_error naming the Debian package when it is not there.
std::string tool(const std::string& program, const std::string& package);

}  // namespace grapnel::abi
