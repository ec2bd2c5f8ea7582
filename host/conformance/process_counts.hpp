// What this process holds, as the kernel and the C library count it.
#pragma once

#include <cstddef>

namespace grapnel::conformance {

size_t thread_count();
size_t descriptor_count();
// Bytes that malloc has given out and not got back, in all arenas.
size_t bytes_in_use();
// Largest address space so far, in bytes.
size_t peak_address_space();

}  // namespace grapnel::conformance
