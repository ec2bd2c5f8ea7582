// Option values for a plugin that the tool knows nothing about, drawn from its own option table: within the
// bounds, among the choices, lists of a legal length, optional ones left out half of the time. A string
// without choices gets a word that the in-memory host knows (the name of a metric, of a loss, of a mode).
//
// What the user gives (--set, --options) stands in every draw.
#pragma once

#include <grapnel/options.h>

#include <vector>

#include "core/config_node.hpp"
#include "core/philox.hpp"

namespace grapnel::conformance {

// Defaults: only what must be given is in the table.
ConfigNode draw_required_options(const std::vector<grapnel_option>& table, const ConfigNode& given,
                                 CounterRng& rng);
// All of them.
ConfigNode draw_options(const std::vector<grapnel_option>& table, const ConfigNode& given, CounterRng& rng);

// All at one end of what the table allows: least or greatest number, first or last choice, shortest or
// longest list. Where there is no bound, a number that is far away.
ConfigNode extreme_options(const std::vector<grapnel_option>& table, const ConfigNode& given, bool greatest);

}  // namespace grapnel::conformance
