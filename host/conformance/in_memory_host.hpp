// A host for hooks made of plain data: every service of the SDK over members that can be set and read.
//
//   InMemoryHost host;
//   host.state.max_epochs = 10;
//   if (!host.load_file("SetEpochInfoHook.so").ok()) ...
//   host.state.epoch = 3;
//   host.call("before_train_epoch");
//   host.model_epoch;  // 3
//
// It keeps the contract of the service headers: values and requests exist at their own points only, a bad
// index or name is refused, and what is written is checked as the real host checks it. `treatment` makes it a
// hard host to serve, within that contract; `watch` tells what its hooks did that they must not.
#pragma once

#include <grapnel/grapnel.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "conformance/call_trace.hpp"
#include "conformance/in_memory_collectives.hpp"
#include "conformance/option_texts.hpp"
#include "conformance/page_lender.hpp"
#include "conformance/plain_tensor.hpp"

namespace grapnel::conformance {

// What a call into the plugin gave back. `if (result)` and EXPECT_TRUE(result) ask whether it was OK.
struct CallResult {
  grapnel_status status = GRAPNEL_STATUS_OK;
  std::string message;
  bool threw = false;          // an exception came out of it; `message` is its text
  std::string buffer_problem;  // what it did wrong with the error buffer; looked for if the treatment says so
  bool is_silent = false;      // it failed and wrote no message
  bool ok() const { return status == GRAPNEL_STATUS_OK; }
  explicit operator bool() const { return ok(); }
};
std::ostream& operator<<(std::ostream& out, const CallResult& result);

struct LogLine {
  int32_t level = 0;
  std::string text;
};

// One parameter, buffer or gradient; `module` is an index into InMemoryHost::modules.
struct ModelEntry {
  std::string name;
  PlainTensor tensor;
  uint64_t module = 0;
  bool requires_grad = true;
};

struct ModuleAttribute {
  std::string name;
  int32_t kind = GRAPNEL_KIND_BOOL;  // BOOL, INT, FLOAT or STRING
  int64_t integer = 0;
  double number = 0;
  std::string text;
  bool writable = true;
  static ModuleAttribute boolean(std::string name, bool value, bool writable = true);
  static ModuleAttribute integer_value(std::string name, int64_t value, bool writable = true);
};

struct ModelModule {
  std::string name;
  std::string type;
  bool is_norm = false;
  bool is_synchronized = false;
  std::vector<ModuleAttribute> attributes;
};

struct ParamGroup {
  std::string name;
  double lr = 0;
  double initial_lr = 0;
  double momentum = 0;
  double initial_momentum = 0;
  double weight_decay = 0;
  bool has_momentum = true;
  uint64_t parameter_count = 1;
};

struct PipelineTransform {
  std::string type;
  bool is_skipped = false;
};

struct InMemoryDataset {
  std::vector<std::string> classes;
  bool classes_given_as_string = false;
  int64_t size = 0;
  int64_t label_min = 0;
  int64_t label_max = -1;
  std::string ann_file;
  std::string config_key;
  std::vector<PipelineTransform> transforms;
  std::string pipeline_json;  // as last replaced; "" while it is the original
  int64_t epoch = -1;         // as last told by set_epoch
  int64_t max_epochs = -1;
};

// What hooks asked of the runner, in order.
struct RunRequests {
  std::vector<std::string> stops;
  std::vector<std::string> saves;  // file names
  std::vector<std::string> skipped_steps;
  std::vector<std::string> vetoes;
  int validations = 0;
};

struct OpenCheckpoint {
  std::string path = "/tmp/work/epoch_1.pth";
  int64_t epoch = 0;
  int64_t iter = 0;
  bool is_resume = false;
  std::map<std::string, std::string> meta;
  std::string last_path;
};

// What save_state wrote.
struct SavedState {
  std::string plugin_version;
  std::vector<uint8_t> bytes;
  std::map<std::string, PlainTensor> tensors;
};

// How the streams of save_state and load_state behave.
struct StateStream {
  uint64_t most_bytes_a_read = 1;
  int fail_at = -1;  // the n-th call of a stream function (0 is the first) fails with `failure`
  std::string failure = "the stream fails on purpose";
  int calls = 0;  // of stream functions, by the last save_state or load_state
};

// What makes this host hard to serve, always within the contract.
struct Treatment {
  uint64_t error_capacity = 4096;  // of the room for a message; 0: a null text
  bool checks_error_buffers = false;
  bool is_newer = false;         // a later minor's: longer structs, a higher minor, unknown kinds
  PageLender* lender = nullptr;  // lends what is valid for one callback only; null: it stays
  std::string failing_function;  // "model.get": this service function fails, if it can
  int failing_call = -1;         // the n-th call of any function that can fail does
  std::string failure = "the service fails on purpose";
};

// What hooks did with the services.
struct ServiceWatch {
  std::set<std::string> functions;           // called at all
  std::set<std::string> fallible_functions;  // called, and able to fail
  std::vector<std::string> wrong_thread;     // [train-thread] functions called on another thread
  std::vector<std::string> after_destroy;    // functions called with a destroyed instance's host
  std::vector<std::string> thrown;           // "after_train_iter: the text": exceptions that left a call
  std::vector<std::string> buffer_problems;  // "after_train_iter: what it did with the error buffer"
  std::vector<std::string> silences;  // "after_train_iter": failed there without a message; no state calls
  int fallible_calls = 0;
};

// What a host of a later minor may have at a struct's end.
template <class T>
struct Longer {
  T known;
  uint64_t beyond[6];
};

class InMemoryHost {
 public:
  InMemoryHost();
  virtual ~InMemoryHost();  // destroys the instances, last one first
  InMemoryHost(const InMemoryHost&) = delete;
  InMemoryHost& operator=(const InMemoryHost&) = delete;

  // Loads a plugin and creates an instance. A host can hold several; they are called in this order.
  CallResult load_file(const std::string& path, const OptionTexts& options = {},
                       const std::string& instance_key = "");
  // An instance of a loaded plugin.
  CallResult create(const grapnel_plugin& plugin, const OptionValues& values,
                    const std::string& instance_key);
  // The same with values laid out by the caller.
  CallResult create_raw(const grapnel_plugin& plugin, const grapnel_value* values, uint64_t count,
                        uint64_t value_size, const std::string& instance_key);
  size_t instance_count() const;
  // Destroys all instances, last one first.
  void destroy();
  void destroy_one(size_t instance);

  // Calls every instance that subscribes to the point ("after_train_iter"), until one fails. Throws
  // std::invalid_argument for a name that is no point. `text` becomes checkpoint_path at the checkpoint
  // points and message at on_exception and on_interrupt. The mode is the one in the point's name, else
  // state.mode.
  CallResult call(const std::string& point, const char* text = nullptr);
  // Whether the instance has that point.
  bool subscribed(const std::string& point, size_t instance = 0) const;
  // The whole train iteration, before_train_iter and after_train_iter, then the counters go up as the
  // runner's do (epoch too, at the end of an epoch, without the epoch's points).
  CallResult train_iteration();

  // State, one instance at a time, through `stream`. UNSUPPORTED if the plugin has no state.
  CallResult save_state(SavedState& state, size_t instance = 0);
  bool keeps_state(size_t instance = 0) const;
  CallResult load_state(SavedState& state, size_t instance = 0);
  const grapnel_plugin& plugin(size_t instance = 0) const;

  // All lines of the log that contain `part`; an empty part: all lines.
  std::vector<LogLine> log_lines(const std::string& part, std::optional<int32_t> level = std::nullopt) const;
  std::string log_text() const;

  // ---- what the services show and what hooks did: set and read freely -----------------------------------
  grapnel_run_state state{};
  std::string work_dir = "/tmp/work";
  std::string log_dir = "/tmp/work/log";
  std::string config_json = "{}";
  std::string evaluation_table;
  RunRequests requests;

  std::vector<LogLine> log;

  std::vector<std::pair<std::string, PlainTensor>> batch;
  std::vector<std::pair<std::string, PlainTensor>> outputs;
  std::vector<std::pair<std::string, double>> metrics;
  uint64_t value_reads = 0;  // tensors and numbers that hooks asked the values service for

  std::vector<ModelModule> modules;
  std::vector<ModelEntry> parameters;
  std::vector<ModelEntry> buffers;
  std::vector<ModelEntry> gradients;
  int64_t model_epoch = -1;  // as last told by set_epoch
  int64_t model_max_epochs = -1;

  std::vector<ParamGroup> groups;

  std::map<int32_t, InMemoryDataset> datasets;  // by GRAPNEL_MODE_
  // {height, width} in pixels; empty: the task has no image size.
  std::optional<std::pair<int64_t, int64_t>> image_size = std::make_pair<int64_t, int64_t>(160, 160);
  int image_size_changes = 0;

  std::vector<std::string> scalar_order;
  std::map<std::string, std::vector<double>> scalars;
  std::map<std::string, std::string> texts;

  OpenCheckpoint checkpoint;
  std::shared_ptr<InMemoryCollectives> collectives = std::make_shared<InMemoryCollectives>();
  int collective_calls = 0;

  // A message to a hook's on_exception comes with the batch of the failed point.
  int64_t exception_batch_idx = -1;

  // ---- how it treats its hooks, and what it saw of them --------------------------------------------------
  Treatment treatment;
  StateStream stream;
  ServiceWatch watch;
  CallTrace* trace = nullptr;
  // Called after every call into a plugin, with the call's name.
  std::function<void(const char* call)> on_call_end;
  // Not null: every write of a hook's to the run, in order, and every call with its status.
  std::vector<std::string>* recording = nullptr;
  void record(const std::string& line) {
    if (recording != nullptr) recording->push_back(line);
  }

  std::set<std::string> missing_services;  // ids that get_service answers with NULL; set before create
  int32_t current_point = -1;              // GRAPNEL_POINT_ of the running call

  // ---- for the services' functions -----------------------------------------------------------------------
  struct Instance;
  // A text that stays as long as the host.
  const char* keep(const std::string& text);
  // A text or a view that is valid until the callback returns. `what` is a literal.
  const char* lend(const std::string& text, const char* what);
  grapnel_tensor lend(PlainTensor& tensor, Access access, const char* what);
  std::recursive_mutex& mutex() { return mutex_; }
  bool is_train_thread() const { return std::this_thread::get_id() == train_thread_; }

 private:
  template <class Body>
  CallResult guarded(const char* name, Body&& body);
  void take_back_loans();
  void note_contents(bool is_hooks_write);
  const Instance& instance_at(size_t index) const;

  struct TensorLoan {
    PlainTensor* tensor;
    grapnel_tensor view;
    Access access;
  };
  std::vector<std::unique_ptr<Instance>> instances_;
  std::vector<std::unique_ptr<Instance>> gone_;  // destroyed; a hook may still hold their grapnel_host
  std::set<std::string> kept_;
  std::vector<TensorLoan> tensor_loans_;
  std::map<std::string, uint64_t> known_contents_;
  const char* current_call_ = "";
  Longer<grapnel_point_args> shown_args_{};
  std::recursive_mutex mutex_;
  std::thread::id train_thread_;
};

// The tables behind get_service; NULL for an unknown id. In in_memory_services.cpp.
const void* in_memory_service(const std::string& id, bool is_newer);

}  // namespace grapnel::conformance
