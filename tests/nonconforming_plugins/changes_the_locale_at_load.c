/* Changes the locale of the whole process while it is loaded. */
#include <locale.h>

#include "plain_hook.h"

__attribute__((constructor)) static void at_load(void) {
  if (setlocale(LC_ALL, "C.UTF-8") == NULL) abort();
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("ChangesTheLocaleAtLoad", vtable);
