// grapnel.log/1: lines through the process's logger, each with the instance's key.
#include <spdlog/spdlog.h>

#include "services/plain_call.hpp"
#include "services/tables.hpp"

namespace grapnel::services {
namespace {

spdlog::level::level_enum level_of(int32_t level) {
  switch (level) {
    case GRAPNEL_LOG_DEBUG:
      return spdlog::level::debug;
    case GRAPNEL_LOG_WARNING:
      return spdlog::level::warn;
    case GRAPNEL_LOG_ERROR:
      return spdlog::level::err;
    default:
      return spdlog::level::info;
  }
}

void write(const grapnel_host* host, int32_t level, const char* text) {
  guarded_value(host, "log.write", 0, [&] {
    spdlog::log(level_of(level), "[{}] {}", caller_of(host), required(text, "text"));
    return 0;
  });
}

int32_t is_enabled(const grapnel_host* host, int32_t level) {
  return guarded_value(host, "log.is_enabled", int32_t{0},
                       [&] { return int32_t{spdlog::default_logger_raw()->should_log(level_of(level))}; });
}

}  // namespace

const grapnel_log_service& log_table() {
  static const grapnel_log_service table = {sizeof table, 0, write, is_enabled};
  return table;
}

}  // namespace grapnel::services
