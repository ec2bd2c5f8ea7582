/* Starts a thread while it is loaded, before anybody asked for an instance. */
#include <pthread.h>
#include <unistd.h>

#include "plain_hook.h"

static void* wait_for_ever(void* nothing) {
  for (;;) pause();
  return nothing;
}

__attribute__((constructor)) static void at_load(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0) abort();
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("StartsAThreadAtLoad", vtable);
