#include "tasks/detection/picture_list.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "core/failure.hpp"

namespace grapnel::detection {
namespace {

namespace fs = std::filesystem;

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool is_picture(const fs::path& file) {
  static const std::set<std::string> kEndings = {".jpg",  ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif",
                                                 ".tiff", ".ppm",  ".pgm", ".pbm", ".pnm", ".jp2"};
  return kEndings.count(lower_case(file.extension().string())) != 0;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The end of the number that begins at `at`, and its value's digits without leading zeros.
std::string take_number(const std::string& text, size_t& at) {
  const size_t from = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  const size_t first = std::min(text.find_first_not_of('0', from), at);
  return text.substr(first, at - first);
}

void add_folder(PictureList& list, const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  size_t others = 0;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code unknown;
    if (!entry->is_regular_file(unknown)) continue;
    if (is_picture(entry->path())) {
      names.push_back(entry->path().filename().string());
    } else {
      ++others;
    }
  }
  if (error) throw Failure(FailureKind::kConfig, {"cannot read the folder", folder, error.message(), "", ""});
  if (names.empty()) {
    throw Failure(FailureKind::kConfig,
                  {"no pictures in the folder", folder, std::to_string(others) + " other files",
                   "files that end in .jpg, .png, .bmp, .webp, .tif, .ppm or .jp2", ""});
  }
  std::sort(names.begin(), names.end(), comes_before_naturally);
  for (const std::string& name : names) list.files.push_back((fs::path(folder) / name).string());
  list.skipped += others;
}

}  // namespace

bool comes_before_naturally(const std::string& one, const std::string& other) {
  size_t a = 0, b = 0;
  while (a < one.size() && b < other.size()) {
    if (is_digit(one[a]) && is_digit(other[b])) {
      const std::string left = take_number(one, a), right = take_number(other, b);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
      continue;
    }
    if (one[a] != other[b]) return static_cast<unsigned char>(one[a]) < static_cast<unsigned char>(other[b]);
    ++a;
    ++b;
  }
  if (a == one.size() && b == other.size()) return one < other;  // 7 and 007
  return a == one.size();
}

PictureList list_pictures(const std::vector<std::string>& files_and_folders) {
  PictureList list;
  for (const std::string& name : files_and_folders) {
    std::error_code error;
    if (fs::is_directory(name, error)) {
      add_folder(list, name);
    } else {
      list.files.push_back(name);
    }
  }
  return list;
}

std::vector<std::string> names_of_copies(const std::vector<std::string>& files) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const std::string& file : files) taken.insert(lower_case(fs::path(file).stem().string()));
  std::set<std::string> given;
  for (const std::string& file : files) {
    const std::string stem = fs::path(file).stem().string();
    std::string name = stem;
    // A made-up name must not be another picture's own.
    for (int number = 2; !given.insert(lower_case(name)).second; ++number) {
      name = stem + "_" + std::to_string(number);
      while (taken.count(lower_case(name)) != 0) name = stem + "_" + std::to_string(++number);
    }
    names.push_back(name + ".jpg");
  }
  return names;
}

}  // namespace grapnel::detection
