#include "chrome_trace.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "../json/json.hpp"

namespace profiler {
namespace {

// A file beside the one to be written, renamed when it is whole.
class TraceFile {
 public:
  explicit TraceFile(const std::string& path) : path_(path), part_(path + ".part") {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    std::error_code error;
    if (!folder.empty()) std::filesystem::create_directories(folder, error);
    file_ = error ? nullptr : std::fopen(part_.c_str(), "wbe");
    if (file_ == nullptr) fail(error ? error.message() : std::strerror(errno));
  }
  ~TraceFile() {
    if (file_ == nullptr) return;
    std::fclose(file_);
    std::remove(part_.c_str());
  }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  void write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) fail(std::strerror(errno));
  }
  void finish() {
    const bool whole = std::fflush(file_) == 0;
    const std::string reason = std::strerror(errno);
    if (std::fclose(std::exchange(file_, nullptr)) != 0 || !whole) {
      std::remove(part_.c_str());
      fail(reason);
    }
    if (std::rename(part_.c_str(), path_.c_str()) != 0) fail(std::strerror(errno));
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw std::runtime_error("the trace " + path_ + " cannot be written: " + reason);
  }
  std::string path_, part_;
  std::FILE* file_ = nullptr;
};

std::string microseconds(int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(ns / 1000),
                static_cast<long long>(ns % 1000));
  return text;
}

// Writes events one after the other with what all have in common.
class EventList {
 public:
  explicit EventList(TraceFile& file) : file_(file), pid_(std::to_string(getpid())) {}

  // `rest` begins with a comma or is empty.
  void add(const char* phase, const std::string& name_json, int64_t tid, int64_t time_ns,
           const std::string& rest) {
    file_.write(first_ ? "\n" : ",\n");
    first_ = false;
    file_.write(std::string("{\"ph\":\"") + phase + "\",\"name\":" + name_json + ",\"pid\":" + pid_ +
                ",\"tid\":" + std::to_string(tid) + ",\"ts\":" + microseconds(time_ns) + rest + "}");
  }
  void name_of(const char* what, int64_t tid, const std::string& name) {
    add("M", grapnel::json::quote(what), tid, 0, ",\"args\":{\"name\":" + grapnel::json::quote(name) + "}");
  }

 private:
  TraceFile& file_;
  std::string pid_;
  bool first_ = true;
};

// Forward operators by (thread, sequence number), where an arrow to the backward one starts: the last that
// carries the number is the one whose graph node it became.
using ForwardPlaces = std::map<std::pair<uint64_t, int64_t>, std::pair<int64_t, const Range*>>;

ForwardPlaces forward_places(const Recording& recording) {
  ForwardPlaces places;
  for (const Thread& thread : recording.threads) {
    for (const Range& range : thread.ranges) {
      if (range.sequence < 0 || range.forward_thread != 0 || range.by_user) continue;
      auto& place = places[{thread.torch_id, range.sequence}];
      if (place.second == nullptr || place.second->start_ns < range.start_ns) place = {thread.id, &range};
    }
  }
  return places;
}

void add_thread(EventList& events, const Recording& recording, const Thread& thread,
                const std::vector<std::string>& names, const ForwardPlaces& forward, int64_t& arrows) {
  const bool is_training = thread.id == recording.training_thread;
  events.name_of("thread_name", thread.id, is_training ? "training" : thread.name);
  for (const Range& range : thread.ranges) {
    std::string rest = ",\"dur\":" + microseconds(range.end_ns - range.start_ns) + ",\"cat\":\"" +
                       (range.by_user ? "user_annotation" : "cpu_op") + "\"";
    std::string args;
    if (range.sequence >= 0) args = "\"Sequence number\":" + std::to_string(range.sequence);
    if (range.shapes != 0)
      args += (args.empty() ? "" : ",") + ("\"Input Dims\":" + recording.shapes[range.shapes]);
    if (!args.empty()) rest += ",\"args\":{" + args + "}";
    events.add("X", names[range.name], thread.id, range.start_ns, rest);

    if (range.forward_thread == 0) continue;
    const auto from = forward.find({range.forward_thread, range.sequence});
    if (from == forward.end()) continue;
    const std::string tie = ",\"cat\":\"fwdbwd\",\"id\":" + std::to_string(++arrows);
    events.add("s", "\"fwdbwd\"", from->second.first, from->second.second->start_ns, tie);
    events.add("f", "\"fwdbwd\"", thread.id, range.start_ns, tie + ",\"bp\":\"e\"");
  }
}

}  // namespace

void write_chrome_trace(const std::string& path, const Recording& recording) {
  TraceFile file(path);
  file.write("{\"schemaVersion\":1,\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
  EventList events(file);
  events.name_of("process_name", 0, "grapnel");
  std::vector<std::string> names;
  for (const std::string& name : recording.names) names.push_back(grapnel::json::quote(name));
  const ForwardPlaces forward = forward_places(recording);
  int64_t arrows = 0;
  for (const Thread& thread : recording.threads)
    add_thread(events, recording, thread, names, forward, arrows);
  for (const MemorySample& sample : recording.memory) {
    events.add("C", "\"memory of tensors\"", recording.training_thread, sample.time_ns,
               ",\"args\":{\"bytes\":" + std::to_string(sample.bytes) + "}");
  }
  file.write("\n]}\n");
  file.finish();
}

}  // namespace profiler
