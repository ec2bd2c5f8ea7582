#include "core/logging.hpp"

#include <atomic>
#include <cstdio>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "core/failure.hpp"

namespace grapnel {
namespace {

class UpperCaseLevel : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const char* name = message.level == spdlog::level::debug  ? "DEBUG"
                       : message.level == spdlog::level::warn ? "WARNING"
                       : message.level >= spdlog::level::err  ? "ERROR"
                                                              : "INFO";
    out.append(name, name + std::char_traits<char>::length(name));
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<UpperCaseLevel>(); }
};

std::unique_ptr<spdlog::formatter> make_formatter() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<UpperCaseLevel>('*').set_pattern("%Y/%m/%d %H:%M:%S - %n - %* - %v");
  return formatter;
}

}  // namespace

void set_up_logging(const LogOptions& options) {
  spdlog::level::level_enum level = spdlog::level::info;
  if (options.level == "DEBUG") level = spdlog::level::debug;
  else if (options.level == "INFO") level = spdlog::level::info;
  else if (options.level == "WARNING") level = spdlog::level::warn;
  else if (options.level == "ERROR") level = spdlog::level::err;
  else throw Failure(FailureKind::kConfig, {"a config value is wrong", "log_level", "\"" + options.level + "\"",
                                            "DEBUG, INFO, WARNING or ERROR", ""});

  auto logger = std::make_shared<spdlog::logger>("grapnel", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_formatter(make_formatter());
  logger->set_level(level);
  logger->flush_on(spdlog::level::info);
  logger->set_error_handler([](const std::string& reason) {
    static std::atomic<bool> told{false};
    if (!told.exchange(true)) std::fprintf(stderr, "grapnel: the log cannot be written any more: %s\n", reason.c_str());
  });
  spdlog::set_default_logger(std::move(logger));
}

void add_log_file(const std::string& path) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    sink->set_formatter(make_formatter());
    spdlog::default_logger()->sinks().push_back(std::move(sink));
  } catch (const spdlog::spdlog_ex& error) {
    throw Failure(FailureKind::kRun, {"cannot open the log file", path, error.what(), "", ""});
  }
}

}  // namespace grapnel
