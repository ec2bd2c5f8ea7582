#include "core/logging.hpp"

#include <cstdio>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "core/failure.hpp"
#include "core/progress.hpp"
#include "core/section.hpp"

namespace grapnel {
namespace {

struct LevelName {
  const char* name;
  spdlog::level::level_enum level;
};
constexpr LevelName kLevels[] = {{"DEBUG", spdlog::level::debug},
                                 {"INFO", spdlog::level::info},
                                 {"WARNING", spdlog::level::warn},
                                 {"ERROR", spdlog::level::err},
                                 {"CRITICAL", spdlog::level::critical}};

spdlog::level::level_enum level_of(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& known : kLevels) {
    if (name == known.name) return known.level;
    names.emplace_back(known.name);
  }
  const std::string near = nearest_name(name, names);
  throw Failure(FailureKind::kConfig, {"unknown log level", "log_level", "\"" + name + "\"",
                                       "DEBUG, INFO, WARNING, ERROR or CRITICAL",
                                       near.empty() ? "" : "did you mean \"" + near + "\"?"});
}

class UpperCaseLevel : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    std::string_view name = "TRACE";
    for (const auto& known : kLevels) {
      if (message.level == known.level) name = known.name;
    }
    out.append(name.data(), name.data() + name.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<UpperCaseLevel>(); }
};

std::unique_ptr<spdlog::formatter> make_formatter() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<UpperCaseLevel>('*').set_pattern("%Y/%m/%d %H:%M:%S - %n - %^%*%$ - %v");
  return formatter;
}

// Every place that lines go to. One that fails is reported once and does not keep the line from the others,
// and places can be added while other threads log: neither is so for the list inside a spdlog::logger.
class Places : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void add(std::shared_ptr<spdlog::sinks::sink> sink) {
    sink->set_formatter(make_formatter());
    const std::lock_guard<std::mutex> lock(mutex_);
    places_.push_back({std::move(sink), false});
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    erase_progress_line();
    for (auto& place : places_) {
      guarded(place, [&] {
        place.sink->log(message);
        place.sink->flush();
      });
    }
  }
  void flush_() override {
    for (auto& place : places_) guarded(place, [&] { place.sink->flush(); });
  }

 private:
  struct Place {
    std::shared_ptr<spdlog::sinks::sink> sink;
    bool reported;
  };

  template <class Body>
  void guarded(Place& place, Body&& body) {
    try {
      body();
    } catch (const std::exception& failure) {
      if (!std::exchange(place.reported, true)) {
        std::fprintf(stderr, "grapnel: the log is incomplete from here on: %s\n", failure.what());
      }
    }
  }

  std::vector<Place> places_;
};

std::shared_ptr<Places> places;

}  // namespace

void set_up_logging(const LogOptions& options) {
  const auto level = level_of(options.level);
  places = std::make_shared<Places>();
  places->add(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  auto logger = std::make_shared<spdlog::logger>("grapnel", places);
  logger->set_level(level);
  // What is left to go wrong is a message that does not format: it is told each time, with the reason.
  logger->set_error_handler([](const std::string& reason) {
    std::fprintf(stderr, "grapnel: a log line could not be made: %s\n", reason.c_str());
  });
  spdlog::set_default_logger(std::move(logger));
}

void add_log_file(const std::string& path) {
  if (!places) throw std::logic_error("add_log_file comes after set_up_logging");
  try {
    places->add(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path));
  } catch (const spdlog::spdlog_ex& failure) {
    throw Failure(FailureKind::kRun, {"cannot open the log file", path, failure.what(), "", ""});
  }
}

}  // namespace grapnel
