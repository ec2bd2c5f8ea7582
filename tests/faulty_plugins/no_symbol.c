/* Has the note but exports nothing. */
#include <grapnel/grapnel.h>

GRAPNEL_PLUGIN_NOTE("NoSymbol", "")
