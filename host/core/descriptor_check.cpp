// Checks of descriptor, option table and vtable. Sizes come first: a field is read only when the struct is
// long enough to have it.
#include "core/descriptor_check.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

namespace grapnel {
namespace {

constexpr size_t kLeastPlugin = offsetof(grapnel_plugin, vtable) + sizeof(void*);
constexpr size_t kLeastOption = offsetof(grapnel_option, default_text) + sizeof(void*);
constexpr size_t kLeastVtable = offsetof(grapnel_hook_vtable, destroy) + sizeof(void*);

std::string too_small(const char* what, uint64_t got, size_t least) {
  return std::string(what) + " is too small: " + std::to_string(got) + " bytes, expected " +
         std::to_string(least) + " or more";
}

bool is_name(const char* name, const char* extra, size_t longest) {
  const size_t size = std::strlen(name);
  if (size == 0 || size > longest) return false;
  return std::all_of(name, name + size, [extra](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr(extra, c) != nullptr;
  });
}

std::string check_header(const grapnel_plugin& plugin) {
  if (plugin.struct_size < kLeastPlugin) return too_small("its descriptor", plugin.struct_size, kLeastPlugin);
  const auto version = [](uint32_t major, uint32_t minor) {
    return std::to_string(major) + "." + std::to_string(minor);
  };
  const std::string theirs = version(plugin.abi_major, plugin.abi_minor);
  const std::string ours = version(GRAPNEL_ABI_MAJOR, GRAPNEL_ABI_MINOR);
  if (plugin.abi_major != GRAPNEL_ABI_MAJOR) {
    return "its descriptor is of hook ABI " + theirs + ", this host has ABI " + ours +
           ": rebuild it with this host's SDK";
  }
  if (plugin.abi_minor > GRAPNEL_ABI_MINOR) {
    return "it needs hook ABI " + theirs + " or newer, this host has ABI " + ours +
           ": update the host, or rebuild it with this host's SDK";
  }
  const std::pair<const char*, const char*> texts[] = {
      {"type", plugin.type},       {"version", plugin.version}, {"author", plugin.author},
      {"license", plugin.license}, {"summary", plugin.summary}, {"torch_version", plugin.torch_version}};
  for (const auto& [name, text] : texts) {
    if (text == nullptr) return std::string("its descriptor's ") + name + " is null, expected a text";
  }
  if (!is_name(plugin.type, "_.", 63)) {
    return "its type \"" + std::string(plugin.type).substr(0, 80) +
           "\" is no valid name (letters, digits, '_', '.'; 1 to 63)";
  }
  if (plugin.default_priority < 0 || plugin.default_priority > 100) {
    return "its default priority is " + std::to_string(plugin.default_priority) + ", expected 0 to 100";
  }
  return {};
}

std::string check_vtable(const grapnel_hook_vtable* vtable) {
  if (vtable == nullptr) return "its vtable is null, expected the hook's functions";
  if (vtable->struct_size < kLeastVtable) return too_small("its vtable", vtable->struct_size, kLeastVtable);
  if (vtable->reserved != 0)
    return "its vtable has " + std::to_string(vtable->reserved) + " in reserved, expected 0";
  const grapnel_hook_vtable known = known_vtable(*vtable);
  if (known.create == nullptr) return "its vtable has no create, which is required";
  if (known.destroy == nullptr) return "its vtable has no destroy, which is required";
  if ((known.save_state == nullptr) != (known.load_state == nullptr)) {
    return std::string("its vtable has ") +
           (known.save_state ? "save_state but no load_state" : "load_state but no save_state") +
           ": give both or neither";
  }
  return {};
}

bool is_list(int32_t kind) { return kind >= GRAPNEL_KIND_BOOL_LIST && kind <= GRAPNEL_KIND_STRING_LIST; }

// A later minor may append kinds: an option that this host cannot check is refused, not passed over.
std::string if_it_is_newer() {
  return ": this host has ABI " + std::to_string(GRAPNEL_ABI_MAJOR) + "." + std::to_string(GRAPNEL_ABI_MINOR) +
         "; if the plugin was written for a later one, use a newer Grapnel";
}

std::string check_option(const grapnel_option& option) {
  const std::string it = "its option \"" + std::string(option.name) + "\"";
  if (!is_name(option.name, "_", 63)) return it + " is no valid name (letters, digits, '_'; 1 to 63)";
  if (is_reserved_option(option.name)) return it + " has a name that the host keeps for itself: rename it";
  if (option.kind < GRAPNEL_KIND_BOOL || option.kind > GRAPNEL_KIND_TREE) {
    return it + " is of unknown kind " + std::to_string(option.kind) +
           ", expected GRAPNEL_KIND_BOOL to _TREE (1 to 9)" +
           (option.kind > GRAPNEL_KIND_TREE ? if_it_is_newer() : "");
  }
  if (option.presence < GRAPNEL_OPTION_DEFAULTED || option.presence > GRAPNEL_OPTION_OPTIONAL) {
    return it + " has the unknown presence " + std::to_string(option.presence) +
           ", expected GRAPNEL_OPTION_DEFAULTED to _OPTIONAL (0 to 2)" +
           (option.presence > GRAPNEL_OPTION_OPTIONAL ? if_it_is_newer() : "");
  }
  if (option.reserved != 0)
    return it + " has " + std::to_string(option.reserved) + " in reserved, expected 0";
  if (option.summary == nullptr) return it + " has no summary: say its meaning in one line";
  if ((option.presence == GRAPNEL_OPTION_DEFAULTED) != (option.default_text != nullptr)) {
    return it + (option.default_text ? " has a default but is not of presence DEFAULTED"
                                     : " has no default: give one, or make it REQUIRED or OPTIONAL");
  }
  if (std::isnan(option.min) || std::isnan(option.max) || option.min > option.max)
    return it + " has an impossible range: min may not be above max, nor either of them NaN";
  if ((option.choices == nullptr) != (option.choice_count == 0))
    return it + " has a broken list of choices: set choices and choice_count together";
  if (option.choices != nullptr && option.kind != GRAPNEL_KIND_STRING &&
      option.kind != GRAPNEL_KIND_STRING_LIST) {
    return it + " has choices but is no string";
  }
  for (uint64_t i = 0; i < option.choice_count; ++i) {
    if (option.choices[i] == nullptr) return it + " has a null choice";
  }
  if (!is_list(option.kind) && (option.min_items != 0 || option.max_items != 0)) {
    return it + " counts items but is no list";
  }
  if (option.max_items != 0 && option.min_items > option.max_items)
    return it + " has an impossible number of items";
  return {};
}

}  // namespace

std::string check_option_table(const grapnel_plugin& plugin) {
  if (plugin.option_count == 0) return {};
  constexpr uint64_t kMostOptions = 1000;
  if (plugin.option_count > kMostOptions)
    return "it declares " + std::to_string(plugin.option_count) + " options, expected at most " +
           std::to_string(kMostOptions);
  if (plugin.options == nullptr)
    return "its option table is null, expected " + std::to_string(plugin.option_count) + " rows";
  if (plugin.option_size < kLeastOption)
    return too_small("a row of its option table", plugin.option_size, kLeastOption);
  const auto* row = reinterpret_cast<const char*>(plugin.options);
  for (uint64_t i = 0; i < plugin.option_count; ++i, row += plugin.option_size) {
    const auto& option = *reinterpret_cast<const grapnel_option*>(row);
    if (option.struct_size < kLeastOption || option.struct_size > plugin.option_size) {
      return "row " + std::to_string(i) + " of its option table says " + std::to_string(option.struct_size) +
             " bytes, rows are " + std::to_string(plugin.option_size) + " apart";
    }
    if (option.name == nullptr) return "row " + std::to_string(i) + " of its option table has no name";
  }
  const auto options = known_options(plugin);
  for (size_t i = 0; i < options.size(); ++i) {
    const std::string problem = check_option(options[i]);
    if (!problem.empty()) return problem;
    for (size_t j = 0; j < i; ++j) {
      if (std::strcmp(options[i].name, options[j].name) == 0) {
        return "it declares the option \"" + std::string(options[i].name) + "\" twice: rename or remove one";
      }
    }
  }
  return {};
}

bool is_reserved_option(const std::string& name) {
  return name == "type" || name == "priority" || name == "on_error" || name == "state_key" ||
         name == "sha256";
}

grapnel_hook_vtable known_vtable(const grapnel_hook_vtable& vtable) {
  grapnel_hook_vtable known{};
  // Whole slots only.
  const size_t size = std::min<size_t>(vtable.struct_size, sizeof known) / sizeof(void*) * sizeof(void*);
  std::memcpy(&known, &vtable, size);
  known.struct_size = sizeof known;
  return known;
}

std::vector<grapnel_option> known_options(const grapnel_plugin& plugin) {
  std::vector<grapnel_option> options;
  const auto* row = reinterpret_cast<const char*>(plugin.options);
  for (uint64_t i = 0; i < plugin.option_count; ++i, row += plugin.option_size) {
    grapnel_option option{};
    option.min = -std::numeric_limits<double>::infinity();
    option.max = std::numeric_limits<double>::infinity();
    uint32_t size = 0;
    std::memcpy(&size, row, sizeof size);
    std::memcpy(&option, row, std::min<size_t>(size, sizeof option) / sizeof(void*) * sizeof(void*));
    option.struct_size = sizeof option;
    options.push_back(option);
  }
  return options;
}

std::string check_header_and_vtable(const grapnel_plugin& plugin) {
  const std::string problem = check_header(plugin);
  return problem.empty() ? check_vtable(plugin.vtable) : problem;
}

std::string check_descriptor(const grapnel_plugin& plugin) {
  const std::string problem = check_header_and_vtable(plugin);
  return problem.empty() ? check_option_table(plugin) : problem;
}

}  // namespace grapnel
