// Text to config tree: TOML documents, single TOML values and JSON. What these read keeps the order written,
// and each value the line it stands on.
#pragma once

#include <string>
#include <string_view>

#include "core/config_node.hpp"

namespace grapnel {

// A TOML 1.0 document as a table; `file` names it in messages and in every node's source. Failure(kConfig)
// with file:line:column for a syntax error, a repeated key, text that is not UTF-8, an integer beyond 64
// bits, a date or a time, or nesting deeper than 256.
ConfigNode parse_toml(std::string_view text, const std::string& file);

// One value written as TOML: "50", "[14, 26]", "\"auto\"", "{ a = 1 }". It and what is in it get `source`.
// Failure(kConfig) if it is none.
ConfigNode parse_value(std::string_view toml_value, Source source = {});

// RFC 8259 JSON. Every node gets `source`; a null is a node of kind none. Failure(kConfig) for anything else
// than one JSON value, for a repeated key and for an integer beyond 64 bits.
ConfigNode parse_json(std::string_view json, Source source = {});

}  // namespace grapnel
