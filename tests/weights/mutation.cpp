#include "mutation.hpp"

#include <algorithm>
#include <cctype>
#include <map>

#include "../cli/zip_records.hpp"
#include "weights_files.hpp"

namespace grapnel::test {
namespace {

// Opcodes with their operands; how long an operand is follows CPython's pickletools.
std::vector<std::string> opcodes_of(const std::string& text) {
  const auto length = [&](size_t at, int width) {
    uint64_t value = 0;
    for (int i = width - 1; i >= 0; --i) {
      value = value << 8 | (at + static_cast<size_t>(i) < text.size()
                                ? static_cast<uint8_t>(text[at + static_cast<size_t>(i)])
                                : 0u);
    }
    return value;
  };
  std::vector<std::string> opcodes;
  for (size_t at = 0; at < text.size();) {
    uint64_t size = 1;
    switch (static_cast<uint8_t>(text[at])) {
      case 0x80:
      case 'K':
      case 'h':
      case 'q':
        size = 2;
        break;
      case 'M':
        size = 3;
        break;
      case 'J':
      case 'j':
      case 'r':
        size = 5;
        break;
      case 'G':
      case 0x95:
        size = 9;
        break;
      case 0x8a:
      case 0x8c:
      case 'U':
      case 'C':
        size = 2 + length(at + 1, 1);
        break;
      case 'X':
      case 'T':
      case 'B':
      case 0x8b:
        size = 5 + length(at + 1, 4);
        break;
      case 0x8d:
      case 0x8e:
      case 0x96:
        size = 9 + length(at + 1, 8);
        break;
      case 'c': {
        const size_t end = text.find('\n', text.find('\n', at) + 1);
        size = end == std::string::npos ? 1 : end + 1 - at;
        break;
      }
      default:
        break;
    }
    size = std::min<uint64_t>(size, text.size() - at);
    opcodes.push_back(text.substr(at, size));
    at += size;
  }
  return opcodes;
}

constexpr const char* kGlobals[] = {"ctorch._utils\n_rebuild_tensor_v2\n",
                                    "ctorch._utils\n_rebuild_parameter\n",
                                    "ccollections\nOrderedDict\n",
                                    "ctorch\nFloatStorage\n",
                                    "ctorch\nComplexDoubleStorage\n",
                                    "ctorch._tensor\n_rebuild_from_type_v2\n",
                                    "cnumpy\nndarray\n",
                                    "ctorch\nSize\n",
                                    "cos\nsystem\n"};
constexpr char kOpcodes[] =
    "N\x88\x89KMJGXUCBT}])(\x85\x86\x87tlduseahjqr0123RQb."
    "\x81\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96";

}  // namespace

// Numbers that size computations tend to get wrong, or any.
std::string Mutation::number(int width) {
  constexpr uint64_t kOdd[] = {0,
                               1,
                               2,
                               0x7f,
                               0x80,
                               0xff,
                               0x7fff,
                               0xffff,
                               0x7fffffff,
                               0x80000000,
                               0xffffffff,
                               uint64_t{1} << 32,
                               uint64_t{1} << 40,
                               uint64_t{1} << 61,
                               uint64_t{1} << 62,
                               (uint64_t{1} << 63) - 1,
                               uint64_t{1} << 63,
                               ~uint64_t{0},
                               ~uint64_t{0} - 7};
  return in_bytes(chance(4) ? random_() >> below(64) : kOdd[below(std::size(kOdd))], width);
}

std::string Mutation::bytes(std::string text) {
  for (size_t times = 1 + below(4); times > 0 && !text.empty(); --times) {
    const size_t at = below(text.size());
    switch (below(6)) {
      case 0:
        text[at] = static_cast<char>(random_());
        break;
      case 1:
        text[at] = static_cast<char>(text[at] ^ 1 << below(8));
        break;
      case 2:
        text.replace(at, std::min<size_t>(8, text.size() - at), number(chance(2) ? 4 : 8));
        break;
      case 3:
        text.erase(at, 1 + below(chance(4) ? text.size() : 16));
        break;
      case 4:
        text.insert(at, text.substr(below(text.size()), 1 + below(64)));
        break;
      default:
        text.insert(at, std::string(1 + below(8), static_cast<char>(random_())));
        break;
    }
  }
  return text;
}

std::string Mutation::pickle(const std::string& text) {
  std::vector<std::string> opcodes = opcodes_of(text);
  for (size_t times = 1 + below(4); times > 0 && !opcodes.empty(); --times) {
    const size_t at = below(opcodes.size()), other = below(opcodes.size());
    std::string& opcode = opcodes[at];
    const auto place = [&](size_t index) { return opcodes.begin() + static_cast<std::ptrdiff_t>(index); };
    switch (below(10)) {
      case 0:
        opcodes.erase(place(at));
        break;
      case 1:
        std::swap(opcode, opcodes[other]);
        break;
      case 2:
        opcodes.insert(place(at), std::string(opcodes[other]));
        break;
      case 3:
        opcode[0] = kOpcodes[below(sizeof kOpcodes - 1)];
        break;
      case 4:
        opcode = "\x8a\x08" + number(8);
        break;
      case 5:
        opcode = kGlobals[below(std::size(kGlobals))];
        break;
      case 6:
        opcode = chance(2) ? "h" + number(1) : "q" + number(1);
        break;
      case 7: {  // a piece once more, perhaps many times
        const size_t count = std::min<size_t>(opcodes.size() - at, 1 + below(12));
        const std::vector<std::string> piece(place(at), place(at + count));
        for (size_t i = chance(8) ? 1 + below(3000) : 1; i > 0; --i) {
          opcodes.insert(place(at), piece.begin(), piece.end());
        }
        break;
      }
      case 8: {
        const std::string nest(1 + below(20000), "]}()\x8f"[below(5)]);
        opcodes.insert(place(at), nest);
        break;
      }
      default:
        opcode = opcode.size() > 1 ? opcode[0] + bytes(opcode.substr(1)) : bytes(opcode);
        break;
    }
  }
  std::string changed;
  for (const std::string& opcode : opcodes) changed += opcode;
  return changed;
}

// The records changed and packed again, so that sizes and check sums of the archive are right.
std::string Mutation::zip_inside(const std::string& file) {
  const std::map<std::string, std::string> found = zip_records(file, "");
  ZipRecords records;
  for (const auto& [name, content] : found) records.emplace_back("archive/" + name, content);
  const bool pickle_only = chance(2);
  for (auto& [name, content] : records) {
    const bool is_pickle = name == "archive/data.pkl";
    if (is_pickle && (pickle_only || chance(3))) content = pickle(content);
    if (is_pickle || pickle_only) continue;
    switch (below(8)) {
      case 0:
        content.resize(below(content.size() + 1));
        break;
      case 1:
        content += std::string(1 + below(40), 'x');
        break;
      case 2:
        name = chance(2) ? "archive/data/../0" : "/etc/passwd";
        break;
      case 3:
        name = "archive/byteorder";
        content = "big";
        break;
      default:
        break;
    }
  }
  ZipForm form;
  form.wide = chance(2);
  form.method = chance(20) ? 8 : 0;
  return zip_of(records, form);
}

std::string Mutation::zip_directory(std::string file) {
  std::vector<std::pair<size_t, size_t>> headers;  // place and length of every header
  for (const auto& [signature, length] : {std::pair<std::string, size_t>{"PK\1\2", 46},
                                          {"PK\3\4", 30},
                                          {"PK\5\6", 22},
                                          {"PK\6\6", 56},
                                          {"PK\6\7", 20}}) {
    for (size_t at = file.find(signature); at != std::string::npos; at = file.find(signature, at + 1)) {
      headers.emplace_back(at, length);
    }
  }
  for (size_t times = 1 + below(3); times > 0 && !headers.empty(); --times) {
    const auto [at, length] = headers[below(headers.size())];
    const int width = 1 << below(4);
    const size_t field = at + 4 + below(length - 4);
    const std::string value = number(width);
    if (field + value.size() <= file.size()) file.replace(field, value.size(), value);
  }
  return file;
}

std::string Mutation::legacy(const std::string& file) {
  std::string changed = file;
  // The storages' counts stand somewhere in the last part; the pickles before are opcodes.
  const size_t tail = file.rfind("e.");
  if (tail == std::string::npos || chance(3)) {
    changed.replace(below(changed.size()), 8, number(8));
    return changed;
  }
  return pickle(file.substr(0, tail + 2)) +
         (chance(3) ? bytes(file.substr(tail + 2)) : file.substr(tail + 2));
}

std::string Mutation::safetensors(const std::string& file) {
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<uint8_t>(file[static_cast<size_t>(i)]);
  std::string header = file.substr(8, length);
  const std::string rest = file.substr(8 + header.size());
  for (size_t times = 1 + below(3); times > 0; --times) {
    if (chance(4)) {
      header = bytes(header);
      continue;
    }
    std::vector<size_t> digits;
    for (size_t i = 0; i < header.size(); ++i) {
      if (std::isdigit(static_cast<unsigned char>(header[i]))) digits.push_back(i);
    }
    if (digits.empty()) break;
    const size_t at = digits[below(digits.size())];
    uint64_t value = 0;
    for (const char c : number(8)) value = value << 8 | static_cast<uint8_t>(c);
    header.replace(at, 1, chance(2) ? std::to_string(value) : std::to_string(below(40)));
  }
  if (chance(10)) return in_bytes(0, 0) + number(8) + header + rest;
  return safetensors_of(header, chance(8) ? bytes(rest) : rest);
}

std::string Mutation::of(const std::string& file) {
  if (chance(3)) return bytes(file);
  if (file.compare(0, 2, "PK") == 0) {
    const bool wide = file.find("PK\6\6") != std::string::npos;  // its records are not looked for
    return wide || chance(3) ? zip_directory(file) : zip_inside(file);
  }
  if (file[0] == '\x80') return legacy(file);
  return safetensors(file);
}

}  // namespace grapnel::test
