// Where a forward pass runs in bfloat16: LibTorch's autocast on the CPU, as scopes. Weights and what is
// outside of a scope stay float32; bfloat16 has float32's range, so that losses need no scaling.
#pragma once

namespace grapnel::runner {

// While it lives, operators that gain by it (convolutions, matrix products) take and give bfloat16; `wanted`
// = false: nothing changes. Weights are converted once in a scope; the outermost scope's end forgets the
// copies, so that no later step sees old ones.
class HalfPrecisionScope {
 public:
  explicit HalfPrecisionScope(bool wanted);
  ~HalfPrecisionScope();
  HalfPrecisionScope(const HalfPrecisionScope&) = delete;
  HalfPrecisionScope& operator=(const HalfPrecisionScope&) = delete;

 private:
  bool wanted_;
  bool was_enabled_ = false;
};

// While it lives, operators leave types alone, within a HalfPrecisionScope too: for losses and what assigns
// targets to predictions. Their inputs must be converted by whoever opens it.
class FullPrecisionScope {
 public:
  FullPrecisionScope();
  ~FullPrecisionScope();
  FullPrecisionScope(const FullPrecisionScope&) = delete;
  FullPrecisionScope& operator=(const FullPrecisionScope&) = delete;

 private:
  bool was_enabled_;
};

}  // namespace grapnel::runner
