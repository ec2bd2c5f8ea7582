// accept_abi ROOT SCRATCH: takes an addition to the hook ABI into the tree, as the watch advises, or says why
// not.
#include <cstdio>
#include <exception>

#include "abi_watch.hpp"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: accept_abi ROOT SCRATCH\n", stderr);
    return 2;
  }
  try {
    std::puts(grapnel::abi::accept_addition({argv[1]}, argv[2]).c_str());
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "accept_abi: %s\n", e.what());
    return 1;
  }
}
