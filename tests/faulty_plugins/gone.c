/* The library that missing_library.c needs and does not find. */
int gone(void);
int gone(void) { return 0; }
