/* Asks the runner from a thread of its own: that is for the training thread only. */
#include <pthread.h>

#include "plain_hook.h"

static void* ask(void* self) {
  const grapnel_host* host = ((plain_hook*)self)->host;
  const grapnel_runner_service* runner =
      (const grapnel_runner_service*)host->get_service(host, GRAPNEL_SERVICE_RUNNER);
  grapnel_run_state state = {.struct_size = sizeof state};
  if (runner != NULL) runner->get_state(host, &state);
  return NULL;
}

PLAIN_POINT(before_train_epoch) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, ask, self) != 0) {
    return plain_fail(error, GRAPNEL_STATUS_FAILED, "no thread could be started");
  }
  pthread_join(thread, NULL);
  return GRAPNEL_STATUS_OK;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .before_train_epoch = before_train_epoch};
PLAIN_PLUGIN("CallsAServiceFromAThread", vtable);
