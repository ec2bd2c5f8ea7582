// The author's guide, word for word: its files are written and its commands run in an empty folder, against
// an installed Grapnel alone; what it says a command prints is printed; every call it names exists.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include "../cli/command.hpp"
#include "../core/temporary_folder.hpp"

namespace grapnel::test {
namespace {

namespace fs = std::filesystem;

const std::string kGuide = GRAPNEL_SOURCE_DIR "/sdk/README.md";

struct Block {
  int line = 0;  // of the opening fence
  std::string language;
  std::string text;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The fenced blocks in order; what is not in one goes to `prose`.
std::vector<Block> blocks_of(const std::string& guide, std::string* prose = nullptr) {
  std::vector<Block> blocks;
  bool inside = false;
  int number = 0;
  for (const std::string& line : lines_of(guide)) {
    ++number;
    if (line.rfind("```", 0) == 0) {
      inside = !inside;
      if (inside) blocks.push_back({number, line.substr(3), ""});
    } else if (inside) {
      blocks.back().text += line + "\n";
    } else if (prose != nullptr) {
      *prose += line + "\n";
    }
  }
  EXPECT_FALSE(inside) << "a block is not closed";
  return blocks;
}

// The file that a block's first line names in a comment; "" if it names none.
std::string file_of(const Block& block) {
  static const std::regex comment(R"((?://|#|/\*) ([A-Za-z0-9_./-]+\.[a-z]+)(?: \*/)?)");
  std::smatch match;
  const std::string first = block.text.substr(0, block.text.find('\n'));
  return std::regex_match(first, match, comment) ? match[1].str() : "";
}

// True if `line` is `pattern`, in which "..." stands for anything.
bool matches(const std::string& line, const std::string& pattern) {
  size_t at = 0, begin = 0;
  bool anchored = true;
  while (true) {
    const size_t dots = pattern.find("...", begin);
    const std::string piece = pattern.substr(begin, dots == std::string::npos ? dots : dots - begin);
    const size_t found = line.find(piece, at);
    if (found == std::string::npos || (anchored && found != at)) return false;
    at = found + piece.size();
    if (dots == std::string::npos) return piece.empty() || at == line.size();
    begin = dots + 3;
    anchored = false;
  }
}

class Session {
 public:
  explicit Session(const std::string& prefix) {
    options_.folder = folder_.path();
    options_.timeout_s = 900;
    std::string pkg_config;
    for (const auto& entry : fs::recursive_directory_iterator(prefix)) {
      if (entry.path().filename() == "grapnel-sdk.pc") pkg_config = entry.path().parent_path().string();
    }
    EXPECT_NE(pkg_config, "") << "no grapnel-sdk.pc in " << prefix;
    options_.environment = {{"PATH", prefix + "/bin:/usr/bin:/bin"},
                            {"PKG_CONFIG_PATH", pkg_config},
                            {"PKG_CONFIG_ALLOW_SYSTEM_CFLAGS", "1"},
                            {"LC_ALL", "C.UTF-8"}};
  }
  void write(const Block& block) { folder_.write(file_of(block), block.text); }
  void run(const Block& block) {
    // What a terminal would show: both streams in their order.
    const auto result = run_command({"bash", "-euo", "pipefail", "-c", "exec 2>&1\n" + block.text}, options_);
    output_ = lines_of(result.out);
    ASSERT_EQ(result.exit_code, 0) << "the guide's block at line " << block.line << ":\n"
                                   << block.text << "\n"
                                   << result.out;
  }
  void expect_printed(const Block& block) const {
    for (const std::string& pattern : lines_of(block.text)) {
      bool printed = false;
      for (const std::string& line : output_) printed = printed || matches(line, pattern);
      EXPECT_TRUE(printed) << "not printed, though the guide says so below line " << block.line << ": "
                           << pattern << "\n"
                           << all_output();
    }
  }

 private:
  std::string all_output() const {
    std::string text;
    for (const auto& line : output_) text += line + "\n";
    return text;
  }
  TemporaryFolder folder_;
  CommandOptions options_;
  std::vector<std::string> output_;
};

TEST(AuthorGuide, IsTrueFromItsFirstBlockToItsLast) {
  const char* prefix = std::getenv("GRAPNEL_TEST_PREFIX");
  ASSERT_NE(prefix, nullptr) << "set GRAPNEL_TEST_PREFIX to an installed Grapnel";
  ASSERT_TRUE(fs::exists(std::string(prefix) + "/bin/grapnel")) << prefix;
  Session session(prefix);
  const auto blocks = blocks_of(read_file(kGuide));
  ASSERT_GT(blocks.size(), 20u);
  size_t sessions = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const Block& block = blocks[i];
    if (block.language == "sh") {
      ++sessions;
      session.run(block);
      if (HasFatalFailure()) return;
    } else if (block.language == "text") {
      ASSERT_TRUE(i > 0 && blocks[i - 1].language == "sh")
          << "the block at line " << block.line << " follows no command";
      session.expect_printed(block);
    } else {
      ASSERT_NE(file_of(block), "") << "the block at line " << block.line << " (" << block.language
                                    << ") is no command and its first line names no file: nothing tests it";
      session.write(block);
    }
  }
  EXPECT_GE(sessions, 8u);
}

TEST(AuthorGuide, TheMatcherTellsLinesApart) {
  EXPECT_TRUE(matches("exit code 2", "exit code 2"));
  EXPECT_FALSE(matches("exit code 21", "exit code 2"));
  EXPECT_FALSE(matches("an exit code 2", "exit code 2"));
  EXPECT_TRUE(matches("12:00 INFO [A] loss 2.5 at 3", "...[A] loss ... at 3"));
  EXPECT_FALSE(matches("12:00 INFO [A] loss 2.5 at 34", "...[A] loss ... at 3"));
  EXPECT_TRUE(matches("x passed y", "...passed..."));
  EXPECT_FALSE(matches("x failed y", "...passed..."));
}

// class XService { ... name(...) ... }: the public methods, as "x" -> names.
std::set<std::string> service_calls() {
  const std::string text = read_file(GRAPNEL_SOURCE_DIR "/sdk/include/grapnel/hook_services.hpp");
  static const std::regex method(R"(\n  [A-Za-z_][A-Za-z0-9_:<>, ]* ([a-z_]+)\()");
  std::set<std::string> calls;
  const std::string start = "\nclass ";
  for (size_t at = text.find(start); at != std::string::npos; at = text.find(start, at + 1)) {
    const size_t name = at + start.size();
    const size_t end_of_name = text.find("Service :", name);
    if (end_of_name == std::string::npos || end_of_name > text.find('\n', name)) continue;
    std::string service;  // MessageHub -> message_hub
    for (const char c : text.substr(name, end_of_name - name)) {
      if (std::isupper(static_cast<unsigned char>(c)) && !service.empty()) service += '_';
      service += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    std::string body = text.substr(name, text.find("\n};", name) - name);
    body = body.substr(0, body.find("\n private:"));
    for (std::sregex_iterator it(body.begin(), body.end(), method), end; it != end; ++it) {
      calls.insert(service + "()." + (*it)[1].str() + "()");
    }
  }
  return calls;
}

TEST(AuthorGuide, NamesEveryCallOfEveryServiceAndNoOther) {
  const auto exist = service_calls();
  ASSERT_GT(exist.size(), 50u);
  std::string prose;
  blocks_of(read_file(kGuide), &prose);
  static const std::regex call(R"(([a-z_]+\(\)\.[a-z_]+)\()");
  std::set<std::string> named;
  for (std::sregex_iterator it(prose.begin(), prose.end(), call), end; it != end; ++it) {
    named.insert((*it)[1].str() + "()");
  }
  for (const auto& name : named) EXPECT_TRUE(exist.count(name)) << "the SDK has no " << name;
  for (const auto& name : exist) EXPECT_TRUE(named.count(name)) << "the guide says nothing of " << name;
}

TEST(AuthorGuide, LinksToWhatExists) {
  const std::string guide = read_file(kGuide);
  std::set<std::string> anchors;
  for (const std::string& line : lines_of(guide)) {
    if (line.rfind("## ", 0) != 0) continue;
    std::string anchor;
    for (const char c : line.substr(3)) {
      if (std::isalnum(static_cast<unsigned char>(c))) anchor += static_cast<char>(std::tolower(c));
      if (c == ' ' || c == '-') anchor += '-';
    }
    anchors.insert(anchor);
  }
  static const std::regex link(R"(\]\(([^)\n]+)\))");
  std::string prose;
  blocks_of(guide, &prose);
  size_t links = 0;
  for (std::sregex_iterator it(prose.begin(), prose.end(), link), end; it != end; ++it, ++links) {
    const std::string target = (*it)[1];
    if (target[0] == '#') {
      EXPECT_TRUE(anchors.count(target.substr(1))) << target;
    } else {
      EXPECT_TRUE(fs::exists(GRAPNEL_SOURCE_DIR "/sdk/" + target)) << target;
    }
  }
  EXPECT_GT(links, 15u);
}

}  // namespace
}  // namespace grapnel::test
