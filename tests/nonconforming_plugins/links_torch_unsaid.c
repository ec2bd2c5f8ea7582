/* Linked against LibTorch (a stand-in with its soname), and says nowhere which. */
#include "plain_hook.h"

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .after_train_iter = plain_count};
PLAIN_PLUGIN("LinksTorchUnsaid", vtable);
