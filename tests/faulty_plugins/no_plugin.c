/* A shared library that has nothing to do with Grapnel. */
__attribute__((visibility("default"))) int answer(void) { return 42; }
