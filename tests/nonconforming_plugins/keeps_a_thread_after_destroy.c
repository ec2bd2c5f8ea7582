/* Starts one thread for all its instances, and nobody ever ends it. */
#include <pthread.h>
#include <unistd.h>

#include "plain_hook.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void* wait_for_ever(void* nothing) {
  for (;;) pause();
  return nothing;
}

static void start(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0) abort();
}

PLAIN_CREATE(create) {
  pthread_once(&once, start);
  return plain_create(host, values, count, value_size, self, error);
}

static const grapnel_hook_vtable vtable = {
    .struct_size = sizeof(grapnel_hook_vtable), .create = create, .destroy = plain_destroy};
PLAIN_PLUGIN("KeepsAThreadAfterDestroy", vtable);
