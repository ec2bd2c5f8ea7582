// A small source tree, made of the frozen parts of this one, for a test to spoil.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "../core/temporary_folder.hpp"
#include "abi_watch.hpp"

namespace grapnel::abi {

inline Tree source_tree() { return {GRAPNEL_SOURCE_DIR}; }

// Holds revision 1.0 as it was frozen, and nothing later.
class TreeCopy {
 public:
  TreeCopy() {
    take("tests/abi/revisions/1.0/include", "sdk/include");
    take("tests/abi/revisions/1.0/abi_surface.c", "tests/abi/abi_surface.c");
    take("tests/abi/revisions/1.0/frozen_constants.h", "tests/sdk/frozen_constants.h");
    take("tests/abi/revisions/1.0", "tests/abi/revisions/1.0");
    take("tests/abi/baseline/abi-1.0.xml", "tests/abi/baseline/abi-1.0.xml");
    std::ofstream(tree().changelog()) << "# History\n\n## ABI 1.0 (2026-11-23)\n";
  }

  Tree tree() const { return {folder_.file("tree")}; }
  std::string scratch() const { return folder_.file("scratch"); }

  // Replaces the one place where `before` stands in `file` ("sdk/include/grapnel/hook.h").
  void edit(const std::string& file, const std::string& before, const std::string& after) const {
    const std::string path = tree().root + "/" + file;
    std::string text = test::read_file(path);
    const size_t at = text.find(before);
    ASSERT_NE(at, std::string::npos) << file << " has no \"" << before << "\" any more";
    ASSERT_EQ(text.find(before, at + 1), std::string::npos) << file << " has it twice: \"" << before << "\"";
    text.replace(at, before.size(), after);
    std::ofstream(path, std::ios::binary) << text;
  }
  void edit_header(const std::string& header, const std::string& before, const std::string& after) const {
    edit("sdk/include/grapnel/" + header, before, after);
  }

 private:
  void take(const std::string& from, const std::string& to) const {
    namespace fs = std::filesystem;
    const fs::path target = fs::path(tree().root) / to;
    fs::create_directories(target.parent_path());
    fs::copy(fs::path(source_tree().root) / from, target, fs::copy_options::recursive);
  }

  test::TemporaryFolder folder_;
};

}  // namespace grapnel::abi
