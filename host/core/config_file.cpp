#include "core/config_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "core/config_merge.hpp"
#include "core/failure.hpp"

namespace grapnel {
namespace {

namespace fs = std::filesystem;
using Kind = ConfigNode::Kind;

constexpr size_t kLargestConfig = size_t{16} << 20;

[[noreturn]] void fail(std::string what, std::string where, std::string got, std::string expected,
                       std::string hint = "") {
  throw Failure(FailureKind::kConfig,
                {std::move(what), std::move(where), std::move(got), std::move(expected), std::move(hint)});
}

// `named_by`: "demo.toml:3" when a `_base_` asked for the file.
std::string read_text(const std::string& path, const std::string& named_by) {
  const std::string hint = named_by.empty() ? "" : "named by _base_ in " + named_by;
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  errno = 0;
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rb"));
  if (!file && errno == ENOENT) fail("no such config file", path, "", "", hint);
  if (!file) fail("cannot read the config file", path, std::strerror(errno), "", hint);
  std::string text;
  char chunk[65536];
  while (const size_t count = std::fread(chunk, 1, sizeof chunk, file.get())) {
    text.append(chunk, count);
    if (text.size() > kLargestConfig)
      fail("not a config file", path, "more than 16 MiB", "a TOML file", hint);
  }
  if (std::ferror(file.get())) {
    if (errno == EISDIR) fail("not a config file", path, "a folder", "a TOML file", hint);
    fail("cannot read the config file", path, std::strerror(errno), "", hint);
  }
  return text;
}

// Files being read, from the one that the user named to the innermost base.
struct Chain {
  std::vector<std::string> canonical;
  std::vector<std::string> written;
};

std::vector<ConfigNode> base_names(const ConfigNode& own) {
  const ConfigNode* base = own.find("_base_");
  if (!base) return {};
  std::vector<ConfigNode> names{*base};
  if (base->kind() == Kind::kList) names = base->items();
  for (const auto& name : names) {
    if (name.kind() != Kind::kString || name.as_string().empty()) {
      fail("a config value is wrong", name.source().text() + ", _base_", name.to_json(),
           "a path or a list of paths");
    }
  }
  return names;
}

void refuse_circle(const std::string& path, const std::string& canonical, const std::string& named_by,
                   const Chain& chain) {
  for (size_t i = 0; i < chain.canonical.size(); ++i) {
    if (chain.canonical[i] != canonical) continue;
    std::string ring;
    for (; i < chain.written.size(); ++i) ring += chain.written[i] + " -> ";
    fail("configs inherit from each other in a circle", named_by + ", _base_", ring + path, "");
  }
}

ConfigNode load_with_bases(const std::string& path, const std::string& named_by, Chain& chain) {
  std::error_code error;
  std::string canonical = fs::weakly_canonical(path, error).string();
  if (error) canonical = path;  // reading it will say why
  refuse_circle(path, canonical, named_by, chain);
  ConfigNode own = parse_toml(read_text(path, named_by), path);

  chain.canonical.push_back(canonical);
  chain.written.push_back(path);
  ConfigNode merged = ConfigNode::table({}, own.source());
  for (const auto& name : base_names(own)) {
    const ConfigNode base = load_with_bases(resolve_path(name), name.source().text(), chain);
    for (const auto& [key, value] : base.members()) {
      if (const ConfigNode* other = merged.find(key)) {
        fail("two bases set the same key", name.source().text() + ", _base_",
             "\"" + key + "\" in " + other->source().text() + " and in " + value.source().text(),
             "each key in one base only");
      }
    }
    merge_over(merged, base);
  }
  chain.canonical.pop_back();
  chain.written.pop_back();
  own.erase("_base_");
  merge_over(merged, own);
  return merged;
}

}  // namespace

ConfigNode load_config(const std::string& path, const std::vector<std::string>& overrides) {
  Chain chain;
  ConfigNode config = load_with_bases(path, "", chain);
  for (const auto& text : overrides) apply_override(config, text);
  return config;
}

std::string resolve_path(const ConfigNode& path) {
  const fs::path written(path.as_string());
  if (written.is_absolute() || path.source().line == 0) return written.string();
  return (fs::path(path.source().file).parent_path() / written).lexically_normal().string();
}

}  // namespace grapnel
