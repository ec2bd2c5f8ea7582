/* Cannot do without a minor version that this host has not got yet. */
#include "plain_hook.h"

__attribute__((section(GRAPNEL_NOTE_SECTION), used, aligned(4))) static const grapnel_note note = {
    8u,
    GRAPNEL_NOTE_DESCRIPTION_SIZE,
    GRAPNEL_NOTE_TYPE,
    GRAPNEL_NOTE_OWNER,
    GRAPNEL_ABI_MAJOR,
    GRAPNEL_ABI_MINOR + 9u,
    "NewerMinor",
    ""};
PLAIN_VTABLE(plain_create, 0);
PLAIN_PLUGIN("NewerMinor");
