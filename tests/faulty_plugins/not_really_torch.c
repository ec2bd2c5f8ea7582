/* Stands in for LibTorch: only its soname counts. */
int not_really_torch(void);
int not_really_torch(void) { return 0; }
