// A hook of the C++ layer whose build says which minor it cannot do without.
#include <grapnel/hook.hpp>

static_assert(GRAPNEL_REQUIRED_ABI_MINOR == 7, "given on the command line");

class FutureRequiresMinor : public grapnel::Hook {
 public:
  using Hook::Hook;
};
GRAPNEL_HOOK(FutureRequiresMinor, "3.0.0", "Cannot do without a later minor");
