// abidiff alone can't tell an addition from a break in C structs (both are 'changed'), so it raises the alarm
// and the listing decides; a change that only one of them sees counts as broken unless the listing calls it
// an addition.
#include "abi_watch.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "abi_listing.hpp"

namespace grapnel::abi {
namespace {

namespace fs = std::filesystem;

constexpr int kAbidiffError = 1 | 2;
constexpr int kAbidiffChange = 4 | 8;

std::string quoted(const std::string& path) {
  if (path.find('\'') != std::string::npos) throw std::runtime_error("a path with a quote in it: " + path);
  return "'" + path + "'";
}

struct Output {
  int status = 0;
  std::string text;
};

Output run(const std::string& command) {
  FILE* pipe = ::popen(("LC_ALL=C; export LC_ALL; { " + command + "; } 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  Output output;
  char piece[4096];
  for (size_t got = 0; (got = std::fread(piece, 1, sizeof piece, pipe)) > 0;) output.text.append(piece, got);
  const int ended = ::pclose(pipe);
  output.status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128;
  return output;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string cxx_compiler() { return tool("g++", "g++"); }

// The sentence of every static assert that fails, or the compiler's own words.
std::vector<std::string> changed_constants(const Tree& tree, const std::string& include_folder) {
  const Output output = run(quoted(cxx_compiler()) + " -std=c++17 -x c++ -fsyntax-only -I " +
                            quoted(include_folder) + " " + quoted(tree.constants()));
  if (output.status == 0) return {};
  static const std::regex failed(R"(static assertion failed: ([^\n]+))");
  std::vector<std::string> sentences;
  for (std::sregex_iterator it(output.text.begin(), output.text.end(), failed), end; it != end; ++it)
    sentences.push_back((*it)[1]);
  if (sentences.empty()) sentences.push_back("the frozen constants do not compile:\n" + output.text);
  return sentences;
}

// "(unreleased)", "(2026-11-23)", or "" if the changelog has no such section.
std::string changelog_state(const Tree& tree, const std::string& revision) {
  std::istringstream lines(read_text(tree.changelog()));
  const std::string heading = "## ABI " + revision + " ";
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(heading, 0) == 0) return line.substr(heading.size());
  }
  return {};
}

bool is_open(const Tree& tree, const std::string& revision) {
  return changelog_state(tree, revision) == "(unreleased)";
}

// The revision's baseline, and its headers as they are now with their digests, so that nobody edits the copy
// afterwards.
void write_revision(const Tree& tree, const std::string& revision, const std::string& scratch) {
  fs::create_directories(fs::path(tree.baseline(revision)).parent_path());
  write_abi_xml(tree.surface(), tree.include(), scratch, tree.baseline(revision));
  const fs::path copy = tree.copy(revision);
  fs::remove_all(copy / "include");
  fs::create_directories(copy / "include");
  fs::copy(tree.include(), copy / "include", fs::copy_options::recursive);
  fs::copy_file(tree.surface(), copy / "abi_surface.c", fs::copy_options::overwrite_existing);
  fs::copy_file(tree.constants(), copy / "frozen_constants.h", fs::copy_options::overwrite_existing);
  const Output output =
      run("cd " + quoted(copy) +
          " && find abi_surface.c frozen_constants.h include -type f | sort | xargs sha256sum > SHA256SUMS");
  if (output.status != 0) throw std::runtime_error("cannot write SHA256SUMS: " + output.text);
}

std::string how_to_accept(const std::string& revision) {
  return "If it is meant, accept it:\n"
         "  1. raise GRAPNEL_ABI_MINOR in sdk/include/grapnel/version.h (ABI " +
         revision +
         " is frozen)\n"
         "  2. begin '## ABI MAJOR.MINOR (unreleased)' in sdk/CHANGELOG.md and say what it adds\n"
         "  3. cmake --build build --target accept_abi   (writes the new revision's baseline and frozen "
         "headers "
         "under\n     tests/abi)\n"
         "  4. add its lines to tests/sdk/frozen_offsets.h, frozen_constants.h and tests/abi/abi_surface.c; "
         "and a "
         "plugin\n     written against it to tests/abi/revisions\n";
}

}  // namespace

std::string tool(const std::string& program, const std::string& package) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = folder + "/" + program;
    std::error_code error;
    if (!folder.empty() && fs::is_regular_file(candidate, error)) return candidate;
  }
  throw std::runtime_error(
      program + " was not found on PATH: the ABI cannot be watched without it; install Debian's " + package);
}

std::vector<std::string> Tree::revisions() const {
  static const std::regex name(R"(abi-(\d+)\.(\d+)\.xml)");
  std::vector<std::pair<int, int>> found;
  if (!fs::is_directory(root + "/tests/abi/baseline")) return {};
  for (const auto& entry : fs::directory_iterator(root + "/tests/abi/baseline")) {
    std::smatch match;
    const std::string file = entry.path().filename();
    if (std::regex_match(file, match, name)) found.emplace_back(std::stoi(match[1]), std::stoi(match[2]));
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> result;
  for (const auto& [major, minor] : found)
    result.push_back(std::to_string(major) + "." + std::to_string(minor));
  return result;
}

std::string Tree::version() const {
  const std::string text = read_text(include() + "/grapnel/version.h");
  static const std::regex major(R"(#define GRAPNEL_ABI_MAJOR (\d+))"),
      minor(R"(#define GRAPNEL_ABI_MINOR (\d+))");
  std::smatch a, b;
  if (!std::regex_search(text, a, major) || !std::regex_search(text, b, minor))
    throw std::runtime_error("version.h has no ABI version");
  return a[1].str() + "." + b[1].str();
}

std::string Verdict::text(const std::string& revision) const {
  if (change == Change::kNone) return "the hook ABI is that of " + revision;
  std::string text = change == Change::kAddition
                         ? "the hook ABI grew since " + revision + ": addition: accept it\n"
                         : "the hook ABI broke since " + revision + ":\n";
  constexpr size_t kShown = 20;
  for (size_t i = 0; i < sentences.size() && i < kShown; ++i) text += "  " + sentences[i] + "\n";
  if (sentences.size() > kShown) text += "  and " + std::to_string(sentences.size() - kShown) + " more\n";
  if (change == Change::kAddition) return text + how_to_accept(revision);
  return text + "A hook that was built with ABI " + revision +
         " would call or read the wrong thing. Undo it: what has been published stays where and as it\n"
         "is; a revision may only append. sdk/CHANGELOG.md, 'How the ABI may grow', says what instead.\n" +
         (abidiff_report.empty() ? "" : "abidiff says:\n" + abidiff_report);
}

void write_abi_xml(const std::string& surface, const std::string& include_folder, const std::string& scratch,
                   const std::string& xml_path) {
  const std::string gcc = tool("gcc", "gcc"), abidw = tool("abidw", "abigail-tools");
  fs::create_directories(scratch);
  // Compiled under a bare name in its own folder, without start files and libraries: nothing of this machine
  // or this path gets into the XML.
  fs::copy_file(surface, scratch + "/abi_surface.c", fs::copy_options::overwrite_existing);
  const Output compiled = run("cd " + quoted(scratch) + " && " + quoted(gcc) +
                              " -std=c11 -gdwarf-4 -gno-record-gcc-switches -O0 -fPIC -shared -nostdlib -I " +
                              quoted(include_folder) + " abi_surface.c -o abi_surface.so");
  if (compiled.status != 0) throw std::runtime_error("abi_surface.c does not compile:\n" + compiled.text);
  const Output written =
      run("cd " + quoted(scratch) + " && " + quoted(abidw) +
          " --no-comp-dir-path --no-show-locs --no-corpus-path --no-architecture --no-elf-needed"
          " --no-parameter-names --type-id-style hash --out-file " +
          quoted(xml_path) + " abi_surface.so");
  if (written.status != 0) throw std::runtime_error("abidw failed: " + written.text);
}

Verdict check_abi(const Tree& tree, const std::string& include_folder, const std::string& revision,
                  const std::string& scratch) {
  const std::string now = scratch + "/abi_now.xml";
  write_abi_xml(tree.surface(), include_folder, scratch, now);
  const std::string baseline = tree.baseline(revision);
  const Output diff = run(quoted(tool("abidiff", "abigail-tools")) + " --harmless --no-show-locs " +
                          quoted(baseline) + " " + quoted(now));
  if ((diff.status & kAbidiffError) != 0 || diff.status >= 16)
    throw std::runtime_error("abidiff failed with status " + std::to_string(diff.status) + ": " + diff.text);

  Verdict verdict;
  verdict.abidiff_status = diff.status;
  verdict.abidiff_report = diff.text;
  const Differences found = compare_listings(read_listing(baseline), read_listing(now));
  verdict.sentences = found.broken;
  for (const std::string& sentence : changed_constants(tree, include_folder))
    verdict.sentences.push_back(sentence);
  if (!verdict.sentences.empty()) {
    verdict.change = Change::kBroken;
  } else if (!found.added.empty()) {
    verdict.change = Change::kAddition;
    verdict.sentences = found.added;
  } else if ((diff.status & kAbidiffChange) != 0) {
    verdict.change = Change::kBroken;
    verdict.sentences.push_back("abidiff sees a change that this watch has no name for");
  }
  return verdict;
}

std::string accept_addition(const Tree& tree, const std::string& scratch) {
  const std::vector<std::string> known = tree.revisions();
  const std::string version = tree.version();
  const bool rewrites = !known.empty() && version == known.back() && is_open(tree, version);
  if (known.empty() || (rewrites && known.size() == 1)) {
    if (!is_open(tree, version))
      throw std::runtime_error("refused: sdk/CHANGELOG.md has no section '## ABI " + version +
                               " (unreleased)'");
    write_revision(tree, version, scratch);
    return "ABI " + version + " is the first revision; written as it is";
  }
  const std::string& newest = known.back();
  // An open revision may still change, so what counts is the one before it.
  const std::string before = rewrites ? known[known.size() - 2] : newest;

  const Verdict verdict = check_abi(tree, tree.include(), before, scratch);
  if (verdict.change == Change::kBroken) throw std::runtime_error("refused: " + verdict.text(before));
  if (verdict.change == Change::kNone) return "nothing to accept: the hook ABI is that of " + before;
  if (version == newest && !rewrites) {
    throw std::runtime_error("refused: ABI " + version + " is frozen, but the headers hold more:\n" +
                             verdict.text(before));
  }
  if (!is_open(tree, version)) {
    throw std::runtime_error("refused: sdk/CHANGELOG.md has no section '## ABI " + version +
                             " (unreleased)' that says what is added\n" + verdict.text(before));
  }
  write_revision(tree, version, scratch);
  std::string text = "accepted into ABI " + version + ":\n";
  for (const std::string& sentence : verdict.sentences) text += "  " + sentence + "\n";
  return text +
         "written: tests/abi/baseline and tests/abi/revisions of this revision. Still yours: the lines in\n"
         "tests/sdk/frozen_offsets.h and frozen_constants.h, a plugin written against the revision in\n"
         "tests/abi/revisions, and sdk/CHANGELOG.md; put the date there when the revision is released.\n";
}

}  // namespace grapnel::abi
