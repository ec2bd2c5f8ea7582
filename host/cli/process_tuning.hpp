// What a training process must set before LibTorch's first tensor: instruction set, allocator thresholds,
// thread counts. Measured on 2 cores, these make a YOLOX-nano step 1.5 times as fast as the defaults do.
#pragma once

#include <string>

namespace grapnel::cli {

// Sets the environment that libgomp, OpenBLAS and ATen read when they load, and runs the program again once if
// anything had to change (they are loaded before main). What the user set already is left alone. Returns when
// everything is in place; also raises glibc's thresholds so that large buffers are kept.
void tune_process(char** argv);

// Sets LibTorch's threads (0: all processors this process may use) and flush-to-zero; returns the line that
// says what is in force: "2 threads, OpenBLAS (1 thread), AVX512, LibTorch 1.13.0".
std::string tune_torch(int threads);

}  // namespace grapnel::cli
