// Changes a weights file at random, from a seed: bytes anywhere, and with knowledge of the formats, so that
// what is changed is not thrown out at the door: the opcodes of a pickle inside a zip archive whose check
// sums are made right again, the fields of its directory, the counts of the old format, the numbers of a
// safetensors header.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace grapnel::test {

class Mutation {
 public:
  explicit Mutation(uint64_t seed) : random_(seed) {}

  // A changed copy of a file of any of the four kinds.
  std::string of(const std::string& file);

 private:
  size_t below(size_t count) { return count == 0 ? 0 : random_() % count; }
  bool chance(size_t one_in) { return below(one_in) == 0; }
  std::string number(int width);

  std::string bytes(std::string text);
  std::string pickle(const std::string& text);
  std::string zip_inside(const std::string& file);
  std::string zip_directory(std::string file);
  std::string legacy(const std::string& file);
  std::string safetensors(const std::string& file);

  std::mt19937_64 random_;
};

}  // namespace grapnel::test
