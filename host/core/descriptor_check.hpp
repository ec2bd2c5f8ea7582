// Is a plugin's descriptor what abi.md promises? Looks at the tables only, calls nothing. Used by the host
// and by the probe program, so it needs the SDK's headers alone.
#pragma once

#include <grapnel/plugin.h>

#include <string>
#include <vector>

namespace grapnel {

// Why the descriptor cannot be used; "" if it can.
std::string check_descriptor(const grapnel_plugin& plugin);
// Its two halves, in this order: the second reads what the first has checked.
std::string check_header_and_vtable(const grapnel_plugin& plugin);
std::string check_option_table(const grapnel_plugin& plugin);

// The vtable as this host knows it: slots that an older plugin lacks are null, those of a newer one dropped.
grapnel_hook_vtable known_vtable(const grapnel_hook_vtable& vtable);
// The option table as this host knows it, whatever the plugin's row size; absent fields mean 'no limit'.
std::vector<grapnel_option> known_options(const grapnel_plugin& plugin);

// True for names that a hook's table keeps for the host: type, priority, on_error, state_key, sha256.
bool is_reserved_option(const std::string& name);

}  // namespace grapnel
