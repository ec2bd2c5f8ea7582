/* A thread of its own says goodbye through the log, a moment after the destroy that follows a run returned.
 */
#include <pthread.h>
#include <unistd.h>

#include "plain_hook.h"

static void* say_goodbye(void* host_of_the_dead) {
  const grapnel_host* host = (const grapnel_host*)host_of_the_dead;
  usleep(20000);
  const grapnel_log_service* log = (const grapnel_log_service*)host->get_service(host, GRAPNEL_SERVICE_LOG);
  if (log != NULL) log->write(host, GRAPNEL_LOG_INFO, "goodbye");
  return NULL;
}

static void destroy(void* self) {
  plain_hook* hook = (plain_hook*)self;
  pthread_t thread;
  if (hook->seen > 0 && pthread_create(&thread, NULL, say_goodbye, (void*)hook->host) == 0)
    pthread_detach(thread);
  free(hook);
}

static const grapnel_hook_vtable vtable = {.struct_size = sizeof(grapnel_hook_vtable),
                                           .create = plain_create,
                                           .destroy = destroy,
                                           .after_run = plain_count};
PLAIN_PLUGIN("LogsAfterDestroy", vtable);
