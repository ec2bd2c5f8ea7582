#include "runner/amp_scope.hpp"

#include <torch/torch.h>

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace grapnel::runner {
namespace {

// LibTorch 2.4 names the device in the call.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
bool is_enabled() { return at::autocast::is_autocast_enabled(at::kCPU); }
void set_enabled(bool enabled) { at::autocast::set_autocast_enabled(at::kCPU, enabled); }
void use_bfloat16() { at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16); }
#else
bool is_enabled() { return at::autocast::is_cpu_enabled(); }
void set_enabled(bool enabled) { at::autocast::set_cpu_enabled(enabled); }
void use_bfloat16() { at::autocast::set_autocast_cpu_dtype(at::kBFloat16); }
#endif

}  // namespace

HalfPrecisionScope::HalfPrecisionScope(bool wanted) : wanted_(wanted) {
  if (!wanted_) return;
  was_enabled_ = is_enabled();
  use_bfloat16();
  set_enabled(true);
  at::autocast::increment_nesting();
}

HalfPrecisionScope::~HalfPrecisionScope() {
  if (!wanted_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  set_enabled(was_enabled_);
}

FullPrecisionScope::FullPrecisionScope() : was_enabled_(is_enabled()) { set_enabled(false); }
FullPrecisionScope::~FullPrecisionScope() { set_enabled(was_enabled_); }

}  // namespace grapnel::runner
