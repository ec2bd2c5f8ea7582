#include "drawing/printable_text.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace grapnel::drawing {
namespace {

struct Range {
  uint32_t first;
  const char* const* forms;
  size_t count;
};

// A null has no form; "" leaves the character out.
constexpr const char* kLatin1[] = {
    // U+00A0
    " ", "!", "c", "GBP", "$", "JPY", "|", "S", "\"", "(c)", "a", "<<", "-", "", "(R)", "-",
    "deg", "+-", "2", "3", "'", "u", "P", ".", ",", "1", "o", ">>", "1/4", "1/2", "3/4", "?",
    // U+00C0
    "A", "A", "A", "A", "Ae", "A", "AE", "C", "E", "E", "E", "E", "I", "I", "I", "I",
    "D", "N", "O", "O", "O", "O", "Oe", "x", "O", "U", "U", "U", "Ue", "Y", "Th", "ss",
    "a", "a", "a", "a", "ae", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
    "d", "n", "o", "o", "o", "o", "oe", "/", "o", "u", "u", "u", "ue", "y", "th", "y"};

constexpr const char* kLatinExtendedA[] = {
    // U+0100
    "A", "a", "A", "a", "A", "a", "C", "c", "C", "c", "C", "c", "C", "c", "D", "d",
    "D", "d", "E", "e", "E", "e", "E", "e", "E", "e", "E", "e", "G", "g", "G", "g",
    "G", "g", "G", "g", "H", "h", "H", "h", "I", "i", "I", "i", "I", "i", "I", "i",
    "I", "i", "IJ", "ij", "J", "j", "K", "k", "k", "L", "l", "L", "l", "L", "l", "L",
    "l", "L", "l", "N", "n", "N", "n", "N", "n", "'n", "N", "n", "O", "o", "O", "o",
    "O", "o", "OE", "oe", "R", "r", "R", "r", "R", "r", "S", "s", "S", "s", "S", "s",
    "S", "s", "T", "t", "T", "t", "T", "t", "U", "u", "U", "u", "U", "u", "U", "u",
    "U", "u", "U", "u", "W", "w", "Y", "y", "Y", "Z", "z", "Z", "z", "Z", "z", "s"};

// ISO 843 without marks.
constexpr const char* kGreek[] = {
    // U+0386
    "A", ".", "E", "I", "I", nullptr, "O", nullptr, "Y", "O",
    "i", "A", "V", "G", "D", "E", "Z", "I", "Th", "I", "K", "L", "M", "N", "X", "O",
    "P", "R", nullptr, "S", "T", "Y", "F", "Ch", "Ps", "O", "I", "Y", "a", "e", "i", "i",
    "y", "a", "v", "g", "d", "e", "z", "i", "th", "i", "k", "l", "m", "n", "x", "o",
    "p", "r", "s", "s", "t", "y", "f", "ch", "ps", "o", "i", "y", "o", "y", "o"};

constexpr const char* kCyrillic[] = {
    // U+0400
    "E", "Yo", "Dj", "G", "Ye", "Dz", "I", "Yi", "J", "Lj", "Nj", "C", "K", "I", "U", "Dz",
    "A", "B", "V", "G", "D", "E", "Zh", "Z", "I", "Y", "K", "L", "M", "N", "O", "P",
    "R", "S", "T", "U", "F", "Kh", "Ts", "Ch", "Sh", "Shch", "", "Y", "", "E", "Yu", "Ya",
    "a", "b", "v", "g", "d", "e", "zh", "z", "i", "y", "k", "l", "m", "n", "o", "p",
    "r", "s", "t", "u", "f", "kh", "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya",
    "e", "yo", "dj", "g", "ye", "dz", "i", "yi", "j", "lj", "nj", "c", "k", "i", "u", "dz"};

constexpr const char* kPunctuation[] = {
    // U+2010
    "-", "-", "-", "-", "-", "-", "|", nullptr, "'", "'", ",", "'", "\"", "\"", "\"", "\"",
    nullptr, nullptr, "*", "*", ".", "..", "...", "."};

constexpr Range kRanges[] = {{0x00A0, kLatin1, std::size(kLatin1)},
                             {0x0100, kLatinExtendedA, std::size(kLatinExtendedA)},
                             {0x0386, kGreek, std::size(kGreek)},
                             {0x0400, kCyrillic, std::size(kCyrillic)},
                             {0x2010, kPunctuation, std::size(kPunctuation)}};
static_assert(std::size(kLatin1) == 0x60 && std::size(kLatinExtendedA) == 0x80 && std::size(kGreek) == 0x49 &&
                  std::size(kCyrillic) == 0x60 && std::size(kPunctuation) == 0x18,
              "a table has a row too many or too few");

// Letters with two marks (Vietnamese), by their plain letter.
const char* latin_additional(uint32_t code) {
  static constexpr struct {
    uint32_t last;
    const char* upper;
    const char* lower;
  } kLetters[] = {{0x1EB7, "A", "a"}, {0x1EC7, "E", "e"}, {0x1ECB, "I", "i"},
                  {0x1EE3, "O", "o"}, {0x1EF1, "U", "u"}, {0x1EF9, "Y", "y"}};
  if (code < 0x1EA0 || code > 0x1EF9) return nullptr;
  for (const auto& letter : kLetters) {
    if (code <= letter.last) return code % 2 == 0 ? letter.upper : letter.lower;
  }
  return nullptr;
}

const char* form_of(uint32_t code) {
  for (const Range& range : kRanges) {
    if (code >= range.first && code - range.first < range.count) return range.forms[code - range.first];
  }
  if (code == 0x01A0 || code == 0x01A1) return code == 0x01A0 ? "O" : "o";
  if (code == 0x01AF || code == 0x01B0) return code == 0x01AF ? "U" : "u";
  if (code == 0x1E9E) return "SS";
  if (code == 0x20AC) return "EUR";
  if (code >= 0x0300 && code <= 0x036F) return "";  // a mark that follows its letter
  return latin_additional(code);
}

// The character at `at`, which moves behind it; false where the bytes are no UTF-8.
bool take_character(const std::string& text, size_t& at, uint32_t& code) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(at);
  const int more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : -1;
  if (more < 0 || at + static_cast<size_t>(more) >= text.size()) return false;
  code = more == 0 ? lead : lead & (0x3Fu >> more);
  for (int i = 0; i < more; ++i) {
    const uint8_t next = byte(++at);
    if (next >> 6 != 2) return false;
    code = code << 6 | (next & 0x3F);
  }
  ++at;
  return true;
}

}  // namespace

std::string ascii_form(const std::string& utf8) {
  std::string text;
  for (size_t at = 0; at < utf8.size();) {
    uint32_t code = 0;
    if (!take_character(utf8, at, code)) return {};
    if (code < 0x80) {
      text += code < 0x20 || code == 0x7F ? ' ' : static_cast<char>(code);
      continue;
    }
    const char* form = form_of(code);
    if (form == nullptr) return {};
    text += form;
  }
  return text;
}

std::string ascii_form_or(const std::string& utf8, const std::string& fallback) {
  const std::string text = ascii_form(utf8);
  const bool is_blank = std::all_of(text.begin(), text.end(), [](char c) { return c == ' '; });
  return is_blank ? fallback : text;
}

}  // namespace grapnel::drawing
