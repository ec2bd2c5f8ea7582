// grapnel.message_hub/1: scalars with their history, and texts.
#include "services/plain_call.hpp"
#include "services/tables.hpp"

namespace grapnel::services {
namespace {

runner::MessageHub& message_hub_of(const grapnel_host* host) {
  runner::MessageHub* hub = plain_context_for(host).message_hub;
  if (hub == nullptr) throw Refusal(GRAPNEL_STATUS_UNSUPPORTED, "there is no run yet");
  return *hub;
}

grapnel_status update_scalar(const grapnel_host* host, const char* key, double value, grapnel_error* error) {
  return guarded(error, [&] { message_hub_of(host).update_scalar(required(key, "key"), value); });
}

grapnel_status get_scalar(const grapnel_host* host, const char* key, int32_t statistic, uint64_t window,
                          double* value, grapnel_error* error) {
  return guarded(error, [&] {
    required(key, "key");
    required(value, "value");
    const runner::ScalarHistory* history = message_hub_of(host).scalar(key);
    if (history == nullptr) {
      throw Refusal(GRAPNEL_STATUS_NOT_FOUND, std::string("the message hub has no scalar '") + key + "'");
    }
    switch (statistic) {
      case GRAPNEL_STATISTIC_CURRENT:
        *value = history->current();
        break;
      case GRAPNEL_STATISTIC_MEAN:
        *value = history->mean(window);
        break;
      case GRAPNEL_STATISTIC_MIN:
        *value = history->min(window);
        break;
      case GRAPNEL_STATISTIC_MAX:
        *value = history->max(window);
        break;
      default:
        throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT,
                      "no statistic " + std::to_string(statistic) + ", expected one of GRAPNEL_STATISTIC_");
    }
  });
}

uint64_t scalar_count(const grapnel_host* host) {
  return guarded_value(host, "message_hub.scalar_count", uint64_t{0},
                       [&]() -> uint64_t { return message_hub_of(host).scalar_keys().size(); });
}

const char* scalar_key(const grapnel_host* host, uint64_t index) {
  return guarded_value<const char*>(host, "message_hub.scalar_key", nullptr, [&]() -> const char* {
    const auto& keys = message_hub_of(host).scalar_keys();
    return index < keys.size() ? keys[index].c_str() : nullptr;
  });
}

uint64_t update_count(const grapnel_host* host, const char* key) {
  return guarded_value(host, "message_hub.update_count", uint64_t{0}, [&]() -> uint64_t {
    const runner::ScalarHistory* history = message_hub_of(host).scalar(required(key, "key"));
    return history != nullptr ? history->update_count() : 0;
  });
}

grapnel_status set_text(const grapnel_host* host, const char* key, const char* text, grapnel_error* error) {
  return guarded(
      error, [&] { message_hub_of(host).set_text(required(key, "key"), required(text, "text")); });
}

const char* get_text(const grapnel_host* host, const char* key) {
  return guarded_value<const char*>(host, "message_hub.get_text", nullptr, [&]() -> const char* {
    const std::string* text = message_hub_of(host).text(required(key, "key"));
    return text != nullptr ? text->c_str() : nullptr;
  });
}

}  // namespace

const grapnel_message_hub_service& message_hub_table() {
  static const grapnel_message_hub_service table = {
      sizeof table, 0, update_scalar, get_scalar, scalar_count, scalar_key, update_count, set_text, get_text};
  return table;
}

}  // namespace grapnel::services
