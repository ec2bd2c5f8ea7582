// Prints shapes of tables as one JSON Schema, draft-07, in the form that TOML editors (taplo, Even Better
// TOML) can use: they complete from `properties` and `anyOf` and don't look into `if`, so what completes and
// what checks stand side by side.
#pragma once

#include <set>
#include <string>

#include "core/config_node.hpp"
#include "core/table_shape.hpp"

namespace grapnel {

class JsonSchema {
 public:
  // The schema of a config file. A file with `_base_` may leave out anything, since its bases may have it;
  // any other must hold what a table needs wherever it has the table.
  ConfigNode of_file(const TableShape& root, const std::string& title, const std::string& description);
  // What a table must have, beyond what it may have, to be whole.
  ConfigNode complete(const TableShape& table) const;

 private:
  ConfigNode of_key(const KeyShape& key);
  ConfigNode of_form(const KeyShape& key);
  ConfigNode of_table(const TableShape& table);
  ConfigNode refer_to(const TableVariants& variants);
  ConfigNode refer_to_items(const TableVariants& variants);
  ConfigNode of_any_variant(const TableVariants& variants) const;
  ConfigNode complete(const KeyShape& key) const;
  ConfigNode complete(const KeyShape& key, const TableVariants& variants) const;
  void define(const TableVariants& variants);

  ConfigNode definitions_ = ConfigNode::table();
  std::set<std::string> listed_;  // names of variants of which there are lists
};

}  // namespace grapnel
