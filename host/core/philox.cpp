#include "core/philox.hpp"

#include <cmath>
#include <stdexcept>

namespace grapnel {

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

CounterRng::CounterRng(uint64_t seed, int64_t epoch, int64_t position, Purpose purpose)
    : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)} {
  const auto at = static_cast<uint64_t>(position), round = static_cast<uint64_t>(epoch);
  counter_ = {0, static_cast<uint32_t>(at), static_cast<uint32_t>(round),
              (static_cast<uint32_t>(purpose) & 0xFF) | (static_cast<uint32_t>(at >> 32) & 0xFFF) << 8 |
                  (static_cast<uint32_t>(round >> 32) & 0xFFF) << 20};
}

uint32_t CounterRng::next_u32() {
  if (used_ == 4) {
    block_ = philox4x32(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[used_++];
}

double CounterRng::uniform() {
  const uint64_t high = next_u32();
  const uint64_t bits = (high << 32 | next_u32()) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

int64_t CounterRng::integer(int64_t low, int64_t high) {
  if (low > high) throw std::invalid_argument("CounterRng::integer: low is above high");
  // Zero stands for all of the 2^64 values; everything is modulo 2^64, so that no sum overflows.
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  // Draws below `threshold` would favour small results: draw again (Lemire's rejection, 64-bit).
  const uint64_t threshold = range == 0 ? 0 : (0 - range) % range;
  for (;;) {
    const uint64_t first = next_u32();
    const uint64_t draw = first << 32 | next_u32();
    if (draw < threshold) continue;
    return static_cast<int64_t>(static_cast<uint64_t>(low) + (range == 0 ? draw : draw % range));
  }
}

double CounterRng::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(6.283185307179586 * uniform());
}

}  // namespace grapnel
