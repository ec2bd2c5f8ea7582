// Types are spelled out structurally (typedefs resolved, structs by name), so that a change behind a typedef
// shows in every field and function that uses it.
#include "abi_listing.hpp"

#include <algorithm>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <stdexcept>

namespace grapnel::abi {
namespace {

using boost::property_tree::ptree;

std::string attribute(const ptree& node, const char* name) {
  return node.get<std::string>(std::string("<xmlattr>.") + name, "");
}

uint64_t bytes_of(const ptree& node, const char* name) {
  const std::string bits = attribute(node, name);
  return bits.empty() ? 0 : std::stoull(bits) / 8;
}

class Types {
 public:
  void add(const std::string& tag, const ptree& node) {
    const std::string id = attribute(node, "id");
    if (!id.empty()) nodes_[id] = {tag, &node};
  }

  std::string spelled(const std::string& id) const {
    const auto found = nodes_.find(id);
    if (found == nodes_.end()) throw std::runtime_error("the type " + id + " is not defined");
    const auto& [tag, node] = found->second;
    const std::string name = attribute(*node, "name");
    const std::string inner = attribute(*node, "type-id");
    if (tag == "class-decl") return "struct " + name;
    if (tag == "union-decl") return "union " + name;
    if (tag == "enum-decl") return "enum " + name;
    if (tag == "typedef-decl") return spelled(inner);
    if (tag == "qualified-type-def") {
      std::string text = spelled(inner);
      for (const char* qualifier : {"const", "volatile", "restrict"}) {
        if (attribute(*node, qualifier) != "yes") continue;
        const bool pointer = !text.empty() && (text.back() == '*' || text.back() == ')');
        text = pointer ? text + " " + qualifier : qualifier + (" " + text);
      }
      return text;
    }
    if (tag == "pointer-type-def") {
      const auto pointee = nodes_.find(inner);
      if (pointee != nodes_.end() && pointee->second.tag == "function-type")
        return function(*pointee->second.node);
      return spelled(inner) + "*";
    }
    if (tag == "array-type-def") {
      std::string text = spelled(inner);
      for (const auto& [child_tag, child] : *node) {
        if (child_tag == "subrange") text += "[" + attribute(child, "length") + "]";
      }
      return text;
    }
    return name;
  }

 private:
  struct Entry {
    std::string tag;
    const ptree* node;
  };

  std::string function(const ptree& node) const {
    std::string result = "void", parameters;
    for (const auto& [tag, child] : node) {
      if (tag == "return") result = spelled(attribute(child, "type-id"));
      if (tag != "parameter") continue;
      const bool variadic = attribute(child, "is-variadic") == "yes";
      parameters +=
          (parameters.empty() ? "" : ", ") + (variadic ? "..." : spelled(attribute(child, "type-id")));
    }
    return result + " (*)(" + parameters + ")";
  }

  std::map<std::string, Entry> nodes_;
};

Struct read_struct(const ptree& node, const Types& types) {
  Struct result;
  result.bytes = bytes_of(node, "size-in-bits");
  for (const auto& [tag, member] : node) {
    if (tag != "data-member") continue;
    const ptree& variable = member.get_child("var-decl");
    result.fields.push_back({attribute(variable, "name"), bytes_of(member, "layout-offset-in-bits"),
                             types.spelled(attribute(variable, "type-id"))});
  }
  return result;
}

std::string at_byte(uint64_t byte) { return "byte " + std::to_string(byte); }

void compare_structs(const std::string& name, const Struct& before, const Struct& now, Differences& found) {
  if (now.bytes < before.bytes || (now.bytes > before.bytes && !before.may_grow(name))) {
    found.broken.push_back(
        name + " has " + std::to_string(now.bytes) + " bytes, had " + std::to_string(before.bytes) +
        (now.bytes < before.bytes     ? ""
         : before.find("struct_size") ? ": a published service table never changes, publish a new id"
                                      : ": it has no struct_size and can never grow"));
  }
  for (const Field& field : before.fields) {
    const std::string it = name + "." + field.name;
    const Field* same = now.find(field.name);
    if (same == nullptr) {
      found.broken.push_back(it + " is gone or renamed");
      continue;
    }
    if (same->byte != field.byte)
      found.broken.push_back(it + " moved from " + at_byte(field.byte) + " to " + at_byte(same->byte));
    if (same->type != field.type)
      found.broken.push_back(it + " is now '" + same->type + "', was '" + field.type + "'");
  }
  for (const Field& field : now.fields) {
    if (before.find(field.name) != nullptr) continue;
    const std::string it = name + "." + field.name + " '" + field.type + "'";
    if (field.byte < before.bytes)
      found.broken.push_back(it + " was put at " + at_byte(field.byte) + ", before the end");
    else if (before.may_grow(name))
      found.added.push_back(it + " was appended at " + at_byte(field.byte));
  }
}

}  // namespace

const Field* Struct::find(const std::string& name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

bool Struct::may_grow(const std::string& name) const {
  const std::string table = "_service";
  const bool is_table =
      name.size() > table.size() && name.compare(name.size() - table.size(), table.size(), table) == 0;
  return !is_table && !fields.empty() && fields[0].name == "struct_size" && fields[0].byte == 0;
}

Listing read_listing(const std::string& xml_path) {
  ptree tree;
  try {
    boost::property_tree::read_xml(xml_path, tree);
    Types types;
    for (const auto& [unit_tag, unit] : tree.get_child("abi-corpus")) {
      if (unit_tag != "abi-instr") continue;
      for (const auto& [tag, node] : unit) types.add(tag, node);
    }
    Listing listing;
    for (const auto& [unit_tag, unit] : tree.get_child("abi-corpus")) {
      if (unit_tag != "abi-instr") continue;
      for (const auto& [tag, node] : unit) {
        if (tag != "class-decl" || attribute(node, "is-declaration-only") == "yes") continue;
        listing[attribute(node, "name")] = read_struct(node, types);
      }
    }
    if (listing.empty()) throw std::runtime_error("it describes no struct");
    return listing;
  } catch (const std::exception& e) {
    throw std::runtime_error(xml_path + " is no ABI of abidw: " + e.what());
  }
}

Differences compare_listings(const Listing& before, const Listing& now) {
  Differences found;
  for (const auto& [name, old] : before) {
    const auto same = now.find(name);
    if (same == now.end())
      found.broken.push_back(name + " is gone");
    else
      compare_structs(name, old, same->second, found);
  }
  for (const auto& [name, added] : now) {
    if (before.count(name) == 0)
      found.added.push_back(name + " is new (" + std::to_string(added.bytes) + " bytes)");
  }
  return found;
}

}  // namespace grapnel::abi
