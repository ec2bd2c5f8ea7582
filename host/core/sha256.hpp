// SHA-256 (FIPS 180-4), for the `sha256` key of a hook's table: a plugin's bytes against what the config
// expects. Small and self-contained so that the host needs no cryptographic library.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace grapnel {

class Sha256 {
 public:
  void update(const void* bytes, size_t size);
  // 64 lower-case hex digits. Call it once; the object is used up.
  std::string hex_digest();

 private:
  void compress(const uint8_t* block);

  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending_{};
  size_t pending_size_ = 0;
  uint64_t total_bytes_ = 0;
};

}  // namespace grapnel
