/* A service of the tests: a hook writes lines into it, the test reads them. */
#ifndef GRAPNEL_TESTS_JOURNAL_H
#define GRAPNEL_TESTS_JOURNAL_H

#include <grapnel/host.h>

#define JOURNAL_SERVICE "tests.journal/1"

typedef struct journal_service {
  uint32_t struct_size;
  uint32_t reserved;
  void (*write)(const grapnel_host* host, const char* text);
} journal_service;

#endif
