// vis_data/scalars.json: one JSON object a line, as MMEngine's LocalVisBackend writes them.
#pragma once

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace grapnel {

class ScalarFile {
 public:
  using Scalars = std::vector<std::pair<std::string, double>>;

  ScalarFile() = default;
  ~ScalarFile();
  ScalarFile(const ScalarFile&) = delete;
  ScalarFile& operator=(const ScalarFile&) = delete;

  // Opens `folder`/vis_data/scalars.json for appending, made with its folder. "" or why it cannot.
  std::string open(const std::string& folder);
  // Appends a line and flushes it. "" or why it cannot; after an error nothing is written any more.
  std::string append(const Scalars& scalars);

 private:
  std::FILE* file_ = nullptr;
};

}  // namespace grapnel
