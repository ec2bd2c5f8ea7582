#include "scalar_file.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "../json/json.hpp"

namespace grapnel {
namespace {

// Whole numbers as such, and what is not finite as Python's json module writes it.
std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char text[40];
  if (value == std::floor(value) && std::fabs(value) < 1e15)
    std::snprintf(text, sizeof text, "%.0f", value);
  else
    std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

}  // namespace

ScalarFile::~ScalarFile() {
  if (file_ != nullptr) std::fclose(file_);
}

std::string ScalarFile::open(const std::string& folder) {
  const std::string data_folder = folder + "/vis_data";
  if (mkdir(data_folder.c_str(), 0777) != 0 && errno != EEXIST)
    return data_folder + ": " + std::strerror(errno);
  const std::string path = data_folder + "/scalars.json";
  file_ = std::fopen(path.c_str(), "ae");
  return file_ != nullptr ? "" : path + ": " + std::strerror(errno);
}

std::string ScalarFile::append(const Scalars& scalars) {
  if (file_ == nullptr) return "";
  std::string line;
  for (const auto& [name, value] : scalars) {
    line += (line.empty() ? "{" : ", ") + json::quote(name) + ": " + number_text(value);
  }
  line += "}\n";
  if (std::fwrite(line.data(), 1, line.size(), file_) == line.size() && std::fflush(file_) == 0) return "";
  const std::string reason = std::strerror(errno);
  std::fclose(file_);
  file_ = nullptr;
  return reason;
}

}  // namespace grapnel
