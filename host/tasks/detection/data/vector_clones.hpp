// GRAPNEL_VECTOR_CLONES before a loop's function: compiled for x86-64's levels 3 and 4 too; the processor's
// own is taken when the program is loaded. Sanitizers do not bear functions that are chosen so early.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define GRAPNEL_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GRAPNEL_VECTOR_CLONES
#endif
