// A counter-based random generator: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). A draw depends on (seed, epoch, position, purpose) and its number in the stream
// alone, so batches do not depend on who loaded them, in what order, or what was drawn before.
#pragma once

#include <array>
#include <cstdint>

namespace grapnel {

// One Philox4x32-10 block: 4 words out of a 128-bit counter and a 64-bit key.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// A stream of draws. Its Philox key is the seed (low word, high word), its counter
//   word 0: number of the block (four draws each), so a stream has 2^34 draws before it repeats
//   word 1: position, bits 0..31
//   word 2: epoch, bits 0..31
//   word 3: purpose (8 bits), position bits 32..43 (12 bits), epoch bits 32..43 (12 bits), from the lowest
//   bit up.
// Streams differ as long as position and epoch differ in their low 44 bits.
class CounterRng {
 public:
  // What a stream is for: streams of different purposes never share a draw.
  enum class Purpose : uint32_t { kSampler = 1, kPipeline = 2, kScene = 3, kModel = 4, kTest = 99 };

  CounterRng(uint64_t seed, int64_t epoch, int64_t position, Purpose purpose);

  uint32_t next_u32();
  // Uniform in [0, 1), 53 bits.
  double uniform();
  // Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // Uniform integer in [low, high], both included, without modulo bias. std::invalid_argument if low > high.
  int64_t integer(int64_t low, int64_t high);
  // True with probability p.
  bool chance(double p) { return uniform() < p; }
  // Standard normal (Box-Muller, one value a call).
  double normal();

 private:
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace grapnel
