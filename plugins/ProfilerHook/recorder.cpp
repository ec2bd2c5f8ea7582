#include "recorder.hpp"

#include <ATen/core/ivalue.h>
#include <ATen/record_function.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace profiler {
namespace {

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int64_t system_thread_id() { return static_cast<int64_t>(syscall(SYS_gettid)); }

// Numbers texts in the order in which they come.
class TextNumbers {
 public:
  uint32_t of(std::string_view text) {
    const auto found = numbers_.find(text);
    if (found != numbers_.end()) return found->second;
    const auto number = static_cast<uint32_t>(texts_.size());
    texts_.emplace_back(text);
    numbers_.emplace(texts_.back(), number);
    return number;
  }
  const std::deque<std::string>& texts() const { return texts_; }

 private:
  std::deque<std::string> texts_;  // stay where they are: the map's keys look at them
  std::unordered_map<std::string_view, uint32_t> numbers_;
};

// What one thread recorded. Its own thread fills it; the lock is for the one that ends the recording.
struct ThreadBuffer {
  std::mutex mutex;
  Thread thread;
  TextNumbers names, shapes;
};

// The recording that runs. LibTorch's callbacks are plain functions, so there is one for the process; it is
// never destroyed, because a thread may come late.
struct Session {
  std::atomic<uint64_t> number{0};  // odd while it runs
  std::atomic<uint64_t> ranges{0};
  std::atomic<uint64_t> dropped{0};
  uint64_t max_ranges = 0;
  bool record_shapes = false;
  std::mutex mutex;
  std::vector<std::shared_ptr<ThreadBuffer>> buffers;
};

Session& session() {
  static auto* const the_one = new Session;
  return *the_one;
}

const std::shared_ptr<ThreadBuffer>& own_buffer(uint64_t number) {
  thread_local std::shared_ptr<ThreadBuffer> buffer;
  thread_local uint64_t of_number = 0;
  if (of_number == number) return buffer;
  buffer = std::make_shared<ThreadBuffer>();
  of_number = number;
  buffer->thread.id = system_thread_id();
  buffer->thread.torch_id = at::RecordFunction::currentThreadId();
  char name[32] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  buffer->thread.name = name;
  buffer->shapes.of("");
  const std::lock_guard<std::mutex> lock(session().mutex);
  session().buffers.push_back(buffer);
  return buffer;
}

void append_sizes(std::string& text, const c10::IValue& value) {
  text += '[';
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    if (tensor.defined() && !tensor.is_nested()) {
      bool first = true;
      for (const int64_t size : tensor.sizes()) {
        text += (first ? "" : ",") + std::to_string(size);
        first = false;
      }
    }
  } else if (value.isTensorList()) {
    bool first = true;
    for (const at::Tensor& tensor : value.toTensorVector()) {
      if (!first) text += ',';
      append_sizes(text, tensor);
      first = false;
    }
  }
  text += ']';
}

std::string sizes_of_inputs(const at::RecordFunction& function) {
  if (function.inputs().empty()) return {};
  std::string text = "[";
  for (const c10::IValue& input : function.inputs()) {
    if (text.size() > 1) text += ',';
    append_sizes(text, input);
  }
  return text + ']';
}

struct OpenRange : at::ObserverContext {
  uint64_t number = 0;
  std::shared_ptr<ThreadBuffer> buffer;  // of the thread that it began on, whichever ends it
  Range range;
};

std::unique_ptr<at::ObserverContext> on_start(const at::RecordFunction& function) {
  Session& its = session();
  const uint64_t number = its.number.load(std::memory_order_acquire);
  if (number % 2 == 0) return nullptr;
  if (its.ranges.fetch_add(1, std::memory_order_relaxed) >= its.max_ranges) {
    its.dropped.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  auto open = std::make_unique<OpenRange>();
  open->number = number;
  Range& range = open->range;
  range.by_user = function.scope() == at::RecordScope::USER_SCOPE;
  range.sequence = function.seqNr();
  range.forward_thread = function.forwardThreadId();
  open->buffer = own_buffer(number);
  ThreadBuffer& buffer = *open->buffer;
  {
    const std::lock_guard<std::mutex> lock(buffer.mutex);
    range.name = buffer.names.of(function.name());
    if (its.record_shapes) range.shapes = buffer.shapes.of(sizes_of_inputs(function));
  }
  range.start_ns = now_ns();
  return open;
}

void on_end(const at::RecordFunction&, at::ObserverContext* context) {
  const int64_t end_ns = now_ns();
  auto* open = static_cast<OpenRange*>(context);
  // A range may outlive the recording that it began in.
  if (open == nullptr || open->number != session().number.load(std::memory_order_acquire)) return;
  open->range.end_ns = end_ns;
  const std::lock_guard<std::mutex> lock(open->buffer->mutex);
  open->buffer->thread.ranges.push_back(open->range);
}

// The type of the two totals has changed with LibTorch's versions.
template <class Method>
struct TotalOf;
template <class Class, class Total>
struct TotalOf<void (Class::*)(void*, int64_t, Total, Total, c10::Device)> {
  using type = Total;
};
using Total = TotalOf<decltype(&c10::MemoryReportingInfoBase::reportMemoryUsage)>::type;

// Numbers of one thread's texts become numbers of the recording's.
std::vector<uint32_t> merged(const TextNumbers& own, TextNumbers& all) {
  std::vector<uint32_t> numbers;
  for (const std::string& text : own.texts()) numbers.push_back(all.of(text));
  return numbers;
}

}  // namespace

// LibTorch tells it of allocations on the thread that it was put on, and on those that this one starts work
// on.
class Recorder::MemoryWatch : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t, Total allocated, Total, c10::Device device) override {
    if (!device.is_cpu()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (samples_.size() < kMost) samples_.push_back({now_ns(), static_cast<int64_t>(allocated)});
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::vector<MemorySample> take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(samples_, {});
  }

 private:
  static constexpr size_t kMost = 2'000'000;
  std::mutex mutex_;
  std::vector<MemorySample> samples_;
};

Recorder::Recorder(const RecorderOptions& options) : options_(options) {
  Session& its = session();
  {
    const std::lock_guard<std::mutex> lock(its.mutex);
    if (its.number.load() % 2 == 1) throw std::logic_error("another recording runs in this process");
    its.buffers.clear();
    its.ranges = 0;
    its.dropped = 0;
    its.max_ranges = options.max_ranges;
    its.record_shapes = options.record_shapes;
    its.number.fetch_add(1, std::memory_order_release);
  }
  running_ = true;
  auto callback = at::RecordFunctionCallback(&on_start, &on_end)
                      .needsInputs(options.record_shapes)
                      .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION,
                               at::RecordScope::USER_SCOPE});
  handle_ = at::addGlobalCallback(callback);
  if (options.profile_memory) {
    memory_ = std::make_shared<MemoryWatch>();
    c10::ThreadLocalDebugInfo::_push(c10::DebugInfoKind::PROFILER_STATE, memory_);
  }
  start_ns_ = now_ns();
}

void Recorder::end() {
  running_ = false;
  if (memory_) c10::ThreadLocalDebugInfo::_pop(c10::DebugInfoKind::PROFILER_STATE);
  at::removeCallback(handle_);
  session().number.fetch_add(1, std::memory_order_release);
}

Recorder::~Recorder() {
  if (running_) end();
}

Recording Recorder::stop() {
  Recording recording;
  recording.start_ns = start_ns_;
  recording.end_ns = now_ns();
  recording.training_thread = system_thread_id();
  end();
  Session& its = session();
  std::vector<std::shared_ptr<ThreadBuffer>> buffers;
  {
    const std::lock_guard<std::mutex> lock(its.mutex);
    buffers.swap(its.buffers);
  }
  TextNumbers names, shapes;
  shapes.of("");
  for (const auto& buffer : buffers) {
    const std::lock_guard<std::mutex> lock(buffer->mutex);
    const auto name_numbers = merged(buffer->names, names);
    const auto shape_numbers = merged(buffer->shapes, shapes);
    for (Range& range : buffer->thread.ranges) {
      range.name = name_numbers[range.name];
      range.shapes = shape_numbers[range.shapes];
    }
    recording.threads.push_back(std::move(buffer->thread));
    buffer->thread.ranges.clear();
  }
  recording.names.assign(names.texts().begin(), names.texts().end());
  recording.shapes.assign(shapes.texts().begin(), shapes.texts().end());
  recording.dropped = its.dropped;
  if (memory_) recording.memory = memory_->take();
  return recording;
}

}  // namespace profiler
