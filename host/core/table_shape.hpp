// What a reader accepts in one table of the config, as data. A Section that records writes it down while the
// reader runs, so that it cannot say anything else than the reader does; json_schema.hpp prints it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/config_node.hpp"
#include "core/value_range.hpp"

namespace grapnel {

struct TableShape;
struct TableVariants;

// One key of a table.
struct KeyShape {
  enum class Fate { kTaken, kIgnored, kRefused };
  enum class Form { kTable, kTableOrFalse, kList, kListOrTable };

  std::string key;
  Fate fate = Fate::kTaken;
  std::string note;  // meaning and unit; why it is ignored; what to write instead
  bool required = false;
  std::string older_name;  // another name for the same; not both may be written
  ConfigNode value;        // keywords of JSON Schema that the value must satisfy; of kind none: anything goes
  ConfigNode fallback;     // what an absent key means; of kind none: not one value

  // Instead of `value`: a table, one of several tables, or a list of these.
  std::shared_ptr<TableShape> table;
  std::shared_ptr<const TableVariants> variants;
  Form form = Form::kTable;
  // What a whole table is that does not say which variant it is.
  enum class Unsaid { kRefused, kUsual, kUnknown } unsaid = Unsaid::kRefused;
  std::string usual_variant;  // kUsual
};

struct TableShape {
  std::vector<KeyShape> keys;               // in the order in which the reader asked
  std::shared_ptr<KeyShape> any_other_key;  // null: a key that is not above is refused
  ConfigNode rule;                          // further keywords of JSON Schema; of kind none: nothing further

  KeyShape& at(const std::string& key);  // added when it is not there
  KeyShape* find(const std::string& key);
  // The key itself, or a std::logic_error: a note or a change for a key that no reader asks for is a mistake.
  KeyShape& known(const std::string& dotted_key);
};

// Tables of which a key, mostly `type`, says how they are read.
struct TableVariant {
  std::string name;      // "EMAHook"
  ConfigNode condition;  // keywords of JSON Schema that hold for a table of this variant, as written
  TableShape shape;
};
struct TableVariants {
  std::string name;  // "hook"
  std::string note;  // of `type`
  ConfigNode
      other_types;  // keywords that a type may satisfy instead of being a variant's name; kind none: none
  std::vector<TableVariant> all;

  // A variant that is chosen by `type = "NAME"`.
  void add(const std::string& variant_name, TableShape shape);
};

// Gives keys (dotted: "nms.iou_threshold") their meaning. std::logic_error for a key that is not there.
void describe(TableShape& shape, const std::vector<std::pair<std::string, std::string>>& notes);

// JSON Schemas of plain values.
namespace shape {

ConfigNode words(const std::vector<std::string>& words);
ConfigNode keywords(std::vector<ConfigNode::Member> members);

ConfigNode integer(IntRange range = {});
ConfigNode number(FloatRange range = {});
ConfigNode boolean();
ConfigNode text(bool may_be_empty = true);
ConfigNode choice(const std::vector<std::string>& choices);
// `count` 0: any number of items.
ConfigNode list(ConfigNode item, size_t count = 0);
// A value that may be of several of the kinds above, none of them twice and none a choice.
ConfigNode either(const std::vector<ConfigNode>& values);

}  // namespace shape

}  // namespace grapnel
