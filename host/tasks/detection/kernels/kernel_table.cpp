#include "tasks/detection/kernels/kernel_table.hpp"

#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace grapnel::detection::kernels {
namespace {

bool runs(const KernelTable* table) {
  if (table == nullptr) return false;
#if defined(__x86_64__)
  if (table == avx512_table()) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
  if (table == avx2_table()) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return true;
}

const KernelTable& choose() {
  const char* wanted = std::getenv("GRAPNEL_KERNELS");
  for (const KernelTable* table : {avx512_table(), avx2_table(), default_table()}) {
    if (runs(table) && (wanted == nullptr || std::strcmp(wanted, table->name) == 0)) return *table;
  }
  return *default_table();
}

}  // namespace

const KernelTable& table() {
  static const KernelTable& chosen = choose();
  return chosen;
}

#if !defined(__x86_64__)
const KernelTable* avx2_table() { return nullptr; }
const KernelTable* avx512_table() { return nullptr; }
#endif

}  // namespace grapnel::detection::kernels
