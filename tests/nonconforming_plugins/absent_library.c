/* The library that needs_an_absent_library.c needs and does not find. */
int in_an_absent_library(void);
int in_an_absent_library(void) { return 0; }
