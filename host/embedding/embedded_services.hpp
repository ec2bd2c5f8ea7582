// The services of an embedded host: tables over what the loop shows through grapnel::Host.
#pragma once

#include <grapnel/host.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/service_table.hpp"
#include "services/plain_call.hpp"

namespace grapnel::embedding {

// Everything that the loop set and that hooks asked for.
struct EmbeddedContext : services::PlainContext {
  void* user_context = nullptr;
  Position position;
  int32_t point = -1;  // the one that is being called
  const char* checkpoint_path = nullptr;
  uint64_t seed = 0;
  bool is_resumed = false;
  std::string work_dir;
  std::string config_json;

  std::vector<NamedView> batch;
  std::vector<NamedView> outputs;
  std::vector<NamedNumber> metrics;
  std::vector<Parameter> parameters;
  std::vector<NamedView> buffers;
  std::vector<ParamGroup> groups;
  std::function<void(size_t, const ParamGroup&)> group_changed;
  std::vector<std::pair<std::string, std::string>> checkpoint_texts;
  std::string last_checkpoint;
  Requests requests;

  services::PlainContext* plain() { return this; }
};

EmbeddedContext& embedded_context(const grapnel_host* host);

void add_embedded_services(ServiceTable& table);

}  // namespace grapnel::embedding
