/* Built for ABI 2: another note, another symbol. */
#include <grapnel/grapnel.h>

__attribute__((section(GRAPNEL_NOTE_SECTION), used, aligned(4))) static const grapnel_note note = {
    8u, GRAPNEL_NOTE_DESCRIPTION_SIZE, GRAPNEL_NOTE_TYPE, GRAPNEL_NOTE_OWNER, 2u, 0u, "OtherAbiMajor", ""};
GRAPNEL_EXPORT const int grapnel_plugin_v2 = 0;
