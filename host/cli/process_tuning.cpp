#include "cli/process_tuning.hpp"

#include <dlfcn.h>
#include <malloc.h>
#include <sched.h>
#include <torch/torch.h>
#include <torch/version.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include <opencv2/core.hpp>

namespace grapnel::cli {
namespace {

constexpr const char* kTunedMark = "GRAPNEL_TUNED";

bool set_default(const char* name, const char* value) {
  if (std::getenv(name) != nullptr) return false;
  setenv(name, value, 0);
  return true;
}

bool processor_has_avx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

// OpenBLAS exports its control functions; whichever BLAS the system chose is loaded with LibTorch.
std::string blas_name() {
  if (dlsym(RTLD_DEFAULT, "openblas_set_num_threads") == nullptr) {
    return "a BLAS that is not OpenBLAS (install libopenblas0-pthread: the reference BLAS is 26 times slower)";
  }
  auto threads = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_num_threads"));
  const int count = threads ? threads() : 0;
  return "OpenBLAS (" + std::to_string(count) + (count == 1 ? " thread)" : " threads)");
}

}  // namespace

void tune_process(char** argv) {
  // Large activations are freed and asked for again every step: keep them instead of giving pages back.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2000000000);
  mallopt(M_TOP_PAD, 64 << 20);

  bool changed = set_default("OPENBLAS_NUM_THREADS", "1");
  // A long spin at OpenMP barriers starves loader threads; a short one costs the step nothing.
  changed |= set_default("GOMP_SPINCOUNT", "10000");
  // Activations in huge pages: a twentieth off a step, where the system gives them to who asks (glibc 2.35).
  changed |= set_default("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");
  if (processor_has_avx512()) changed |= set_default("ATEN_CPU_CAPABILITY", "avx512");
  if (!changed || std::getenv(kTunedMark) != nullptr) return;
  setenv(kTunedMark, "1", 1);
  execv("/proc/self/exe", argv);
  // Without /proc the program goes on untuned: slower, and just as right.
}

std::string tune_torch(int threads) {
  if (threads <= 0) threads = usable_processors();
  at::set_num_threads(threads);
  at::globalContext().setFlushDenormal(true);
  cv::setNumThreads(0);
  const char* capability = std::getenv("ATEN_CPU_CAPABILITY");
  std::string isa = "LibTorch's default instruction set";
  if (capability != nullptr) isa = std::string("instruction set ") + capability;
  return std::to_string(threads) + (threads == 1 ? " thread, " : " threads, ") + blas_name() + ", " + isa +
         ", LibTorch " + TORCH_VERSION;
}

}  // namespace grapnel::cli
