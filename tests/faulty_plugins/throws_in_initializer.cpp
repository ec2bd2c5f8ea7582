// A global object's constructor throws while the file is loaded.
#include <stdexcept>

#include "plain_hook.h"

namespace {
struct Thrower {
  Thrower() { throw std::runtime_error("no licence file"); }
} thrower;
}  // namespace

PLAIN_VTABLE(plain_create, nullptr);
PLAIN_PLUGIN("ThrowsInInitializer");
GRAPNEL_PLUGIN_NOTE("ThrowsInInitializer", "")
