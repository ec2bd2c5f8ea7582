/* Throws out of an initialiser, through the dynamic linker. */
#include <stdexcept>

#include "plain_hook.h"

namespace {
const int licence = []() -> int { throw std::runtime_error("no licence file"); }();
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("ThrowsAtLoad", vtable);
