// Counts what the program asks of operator new, so that a test can say that a path asks for nothing.
#pragma once

#include <cstddef>

namespace grapnel::test {

size_t allocation_count();

}  // namespace grapnel::test
