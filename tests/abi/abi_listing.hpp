// The ABI as a plain table: every struct with its size, every field with its byte and its type down to the
// built-in ones. Read from the XML that libabigail's abidw writes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace grapnel::abi {

struct Field {
  std::string name;
  uint64_t byte = 0;  // from the struct's begin
  std::string type;   // "unsigned int", "int (*)(const struct grapnel_host*, double)"
};

struct Struct {
  uint64_t bytes = 0;
  std::vector<Field> fields;  // by offset

  const Field* find(const std::string& name) const;
  // True if a revision may append to it: whoever reads it asks struct_size first. The tables of published
  // services never change, although they have one.
  bool may_grow(const std::string& name) const;
};

using Listing = std::map<std::string, Struct>;

// Throws std::runtime_error, naming the file, for what is no ABI XML.
Listing read_listing(const std::string& xml_path);

// What a plugin built with `before` would meet in `now`.
struct Differences {
  std::vector<std::string> broken;  // one sentence each
  std::vector<std::string> added;
};
Differences compare_listings(const Listing& before, const Listing& now);

}  // namespace grapnel::abi
