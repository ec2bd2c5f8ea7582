#include "abi_headers.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace grapnel::test {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw std::runtime_error(file + ": cannot read \"" + what + "\"");
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \n\t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \n\t") - first + 1);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) {
    if (!trimmed(part).empty()) parts.push_back(trimmed(part));
  }
  return parts;
}

std::string without_comments(const std::string& text) {
  return std::regex_replace(text, std::regex(R"(/\*[^*]*\*+([^/*][^*]*\*+)*/)"), " ");
}

// "const char *const *" -> "*const *const c_char".
std::string rust_type(const std::string& file, std::string type) {
  static const std::map<std::string, std::string> kPlain = {
      {"uint8_t", "u8"},  {"uint16_t", "u16"}, {"uint32_t", "u32"}, {"uint64_t", "u64"}, {"int32_t", "i32"},
      {"int64_t", "i64"}, {"double", "f64"},   {"char", "c_char"},  {"void", "c_void"}};
  type = trimmed(type);
  if (!type.empty() && type.back() == '*') {
    const std::string target = trimmed(type.substr(0, type.size() - 1));
    static const std::regex constant(R"(^const\s+[^*]*$|.*\*\s*const$)");
    const bool is_const = std::regex_match(target, constant);
    return (is_const ? "*const " : "*mut ") + rust_type(file, target);
  }
  type = trimmed(std::regex_replace(type, std::regex(R"(^const\s+([^*]*)$|\bconst$)"), "$1"));
  if (!type.empty() && type.back() == '*') return rust_type(file, type);
  const auto plain = kPlain.find(type);
  if (plain != kPlain.end()) return plain->second;
  if (!std::regex_match(type, std::regex("grapnel_[a-z_]+"))) refuse(file, type);
  return type;
}

// "const grapnel_host *host" -> type and name.
std::pair<std::string, std::string> type_and_name(const std::string& file, const std::string& declaration) {
  std::smatch match;
  if (!std::regex_match(declaration, match, std::regex(R"(([\s\S]*[\s*])([a-z_0-9]+))"))) {
    refuse(file, declaration);
  }
  return {match[1], match[2]};
}

std::string function_type(const std::string& file, const std::string& result, const std::string& arguments) {
  std::string text = "unsafe extern \"C\" fn(";
  for (const auto& argument : split(arguments, ',')) {
    text += rust_type(file, type_and_name(file, argument).first) + ", ";
  }
  text += ")";
  return trimmed(result) == "void" ? text : text + " -> " + rust_type(file, result);
}

AbiField read_field(const std::string& file, const std::string& owner, const std::string& declaration) {
  std::smatch match;
  static const std::regex function(R"(([\s\S]+[\s*])\(\*([a-z_]+)\)\s*\(([\s\S]*)\))");
  static const std::regex array(R"(char\s+([a-z_]+)\[(\d+)\])");
  if (std::regex_match(declaration, match, function)) {
    const std::string type = function_type(file, match[1], match[3]);
    return {match[2], owner == "grapnel_hook_vtable" ? "Option<" + type + ">" : type};
  }
  if (std::regex_match(declaration, match, array)) {
    return {match[1], "[c_char; " + match[2].str() + "]"};
  }
  const auto [type, name] = type_and_name(file, declaration);
  return {name, rust_type(file, type)};
}

void read_structs(const std::string& file, const std::string& text, AbiHeaders& headers) {
  static const std::regex body(R"((?:typedef )?struct (grapnel_[a-z_]+) \{([^}]*)\})");
  const size_t before = headers.structs.size();
  for (std::sregex_iterator at(text.begin(), text.end(), body), end; at != end; ++at) {
    AbiStruct found{(*at)[1], {}};
    for (const auto& declaration : split((*at)[2], ';')) {
      found.fields.push_back(read_field(file, found.name, declaration));
    }
    headers.structs.push_back(std::move(found));
  }
  // Whatever opens a struct must have been read.
  static const std::regex opening(R"(struct[^;{]*\{)");
  const auto opened = std::distance(std::sregex_iterator(text.begin(), text.end(), opening), {});
  if (static_cast<size_t>(opened) != headers.structs.size() - before) refuse(file, "struct {");
}

void read_constants(const std::string& file, const std::string& text, AbiHeaders& headers) {
  static const std::regex body(R"(enum\s*\{([^}]*)\})");
  static const std::regex enumerator(R"((GRAPNEL_[A-Z0-9_]+)\s*=\s*\d+)");
  for (std::sregex_iterator at(text.begin(), text.end(), body), end; at != end; ++at) {
    for (const auto& item : split((*at)[1], ',')) {
      std::smatch match;
      if (!std::regex_match(item, match, enumerator)) refuse(file, item);
      headers.constants.push_back({match[1], false});
    }
  }
  static const std::regex macro(R"(#define (GRAPNEL_[A-Z0-9_]+) +(\d+u?|"[^"\n]*")[ ]*(?=\n))");
  for (std::sregex_iterator at(text.begin(), text.end(), macro), end; at != end; ++at) {
    headers.constants.push_back({(*at)[1], (*at)[2].str()[0] == '"'});
  }
}

}  // namespace

AbiHeaders read_abi_headers(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".h") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  AbiHeaders headers;
  for (const auto& file : files) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) throw std::runtime_error(file + ": cannot be read");
    const std::string code = without_comments(text.str());
    read_structs(file, code, headers);
    read_constants(file, code, headers);
  }
  return headers;
}

}  // namespace grapnel::test
