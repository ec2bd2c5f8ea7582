// grapnel config schema.
#include "cli/verbs.hpp"

namespace grapnel::cli {

void add_config_schema_verb(CLI::App&, Verb&) {}

}  // namespace grapnel::cli
