// GRAPNEL_PER_PROCESSOR before a function: it is compiled for levels 3 and 4 of x86-64 too (AVX2, AVX-512), and the
// version for the processor at hand is taken when the program is loaded. For loops that the compiler vectorises by
// itself; templates cannot be cloned, but are inlined into functions that are.
#pragma once

// A sanitizer's own code would run in the choice, before the sanitizer is ready.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define GRAPNEL_PER_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GRAPNEL_PER_PROCESSOR
#endif
