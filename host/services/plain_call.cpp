#include "services/plain_call.hpp"

#include <spdlog/spdlog.h>

#include <cstdio>

#include "core/failure.hpp"
#include "core/hook_host.hpp"

namespace grapnel::services {

PlainContext& plain_context_for(const grapnel_host* host) {
  if (host == nullptr) throw Refusal(GRAPNEL_STATUS_INVALID_ARGUMENT, "host is NULL");
  auto* context = static_cast<PlainContext*>(context_of(host));
  if (context == nullptr) throw Refusal(GRAPNEL_STATUS_UNSUPPORTED, "this host serves no run");
  return *context;
}

const char* caller_of(const grapnel_host* host) noexcept {
  return host != nullptr && host->instance_key != nullptr ? host->instance_key : "a hook";
}

grapnel_status report(grapnel_error* error, grapnel_status status, const char* text) noexcept {
  if (error == nullptr || error->struct_size < sizeof(grapnel_error)) return status;
  error->code = status;
  if (error->text != nullptr && error->capacity > 0) {
    size_t size = std::min<size_t>(std::strlen(text), error->capacity - 1);
    // Not through the middle of a UTF-8 character.
    while (size > 0 && text[size] != '\0' && (text[size] & 0xC0) == 0x80) --size;
    std::memcpy(error->text, text, size);
    error->text[size] = '\0';
  }
  return status;
}

grapnel_status report_current_exception(grapnel_error* error) noexcept {
  try {
    throw;
  } catch (const Refusal& refusal) {
    return report(error, refusal.status(), refusal.what());
  } catch (const Failure& failure) {
    return report(error, GRAPNEL_STATUS_FAILED, failure.what());
  } catch (const std::invalid_argument& wrong) {
    return report(error, GRAPNEL_STATUS_INVALID_ARGUMENT, wrong.what());
  } catch (const std::out_of_range& missing) {
    return report(error, GRAPNEL_STATUS_NOT_FOUND, missing.what());
  } catch (const std::domain_error& impossible) {
    return report(error, GRAPNEL_STATUS_UNSUPPORTED, impossible.what());
  } catch (const std::exception& other) {
    // LibTorch's errors carry a backtrace behind their sentence.
    const std::string text = other.what();
    return report(error, GRAPNEL_STATUS_INTERNAL, text.substr(0, text.find("\nException raised from ")).c_str());
  } catch (...) {
    return report(error, GRAPNEL_STATUS_INTERNAL, "an exception that is no std::exception");
  }
}

void log_current_exception(const grapnel_host* host, const char* function) noexcept {
  char text[512] = "";
  grapnel_error error{sizeof error, GRAPNEL_STATUS_OK, text, sizeof text};
  report_current_exception(&error);
  try {
    spdlog::error("[{}] {}: {}", caller_of(host), function, text);
  } catch (...) {
    std::fprintf(stderr, "%s: %s\n", function, text);
  }
}

}  // namespace grapnel::services
