// A host for one plugin under test: every service of the SDK over plain data that the test sets and reads.
//
//   FakeHost host;
//   host.state.max_epochs = 10;
//   ASSERT_TRUE(host.load("SetEpochInfoHook").ok());
//   host.state.epoch = 3;
//   EXPECT_TRUE(host.call("before_train_epoch").ok());
//   EXPECT_EQ(host.model_epoch, 3);
//
// It keeps the contract of the service headers: values and requests exist at their own points only, a bad
// index or name is refused, and what is written is checked as the real host checks it.
#pragma once

#include <grapnel/grapnel.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fake_collectives.hpp"
#include "fake_tensor.hpp"
#include "option_values.hpp"

namespace grapnel::testing {

// What a call into the plugin gave back. `if (result)` and EXPECT_TRUE(result) ask whether it was OK.
struct CallResult {
  grapnel_status status = GRAPNEL_STATUS_OK;
  std::string message;
  bool ok() const { return status == GRAPNEL_STATUS_OK; }
  explicit operator bool() const { return ok(); }
};
std::ostream& operator<<(std::ostream& out, const CallResult& result);

struct LogLine {
  int32_t level = 0;
  std::string text;
};

// One parameter, buffer or gradient; `module` is an index into FakeHost::modules.
struct FakeEntry {
  std::string name;
  FakeTensor tensor;
  uint64_t module = 0;
  bool requires_grad = true;
};

struct FakeAttribute {
  std::string name;
  int32_t kind = GRAPNEL_KIND_BOOL;  // BOOL, INT, FLOAT or STRING
  int64_t integer = 0;
  double number = 0;
  std::string text;
  bool writable = true;
  static FakeAttribute boolean(std::string name, bool value, bool writable = true);
  static FakeAttribute integer_value(std::string name, int64_t value, bool writable = true);
};

struct FakeModule {
  std::string name;
  std::string type;
  bool is_norm = false;
  bool is_synchronized = false;
  std::vector<FakeAttribute> attributes;
};

struct FakeGroup {
  std::string name;
  double lr = 0;
  double initial_lr = 0;
  double momentum = 0;
  double initial_momentum = 0;
  double weight_decay = 0;
  bool has_momentum = true;
  uint64_t parameter_count = 1;
};

struct FakeTransform {
  std::string type;
  bool is_skipped = false;
};

struct FakeDataset {
  std::vector<std::string> classes;
  bool classes_given_as_string = false;
  int64_t size = 0;
  int64_t label_min = 0;
  int64_t label_max = -1;
  std::string ann_file;
  std::string config_key;
  std::vector<FakeTransform> transforms;
  std::string pipeline_json;  // as last replaced; "" while it is the original
  int64_t epoch = -1;         // as last told by set_epoch
  int64_t max_epochs = -1;
};

// What hooks asked of the runner, in order.
struct FakeRequests {
  std::vector<std::string> stops;
  std::vector<std::string> saves;  // file names
  std::vector<std::string> skipped_steps;
  std::vector<std::string> vetoes;
  int validations = 0;
};

struct FakeCheckpoint {
  std::string path = "/tmp/work/epoch_1.pth";
  int64_t epoch = 0;
  int64_t iter = 0;
  bool is_resume = false;
  std::map<std::string, std::string> meta;
  std::string last_path;
};

// What save_state wrote.
struct FakeState {
  std::string plugin_version;
  std::vector<uint8_t> bytes;
  std::map<std::string, FakeTensor> tensors;
};

class FakeHost {
 public:
  FakeHost();
  ~FakeHost();  // destroys the instances, last one first
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  // Loads <build>/plugins/TYPE.so and creates an instance. A host can hold several; they are called in this
  // order.
  CallResult load(const std::string& type, const Options& options = {}, const std::string& instance_key = "");
  // Destroys all instances, last one first.
  void destroy();

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

  // State, one instance at a time; the reader gives one byte a read. UNSUPPORTED if the plugin has no state.
  CallResult save_state(FakeState& state, size_t instance = 0);
  CallResult load_state(FakeState& state, size_t instance = 0);
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
  FakeRequests requests;

  std::vector<LogLine> log;

  std::vector<std::pair<std::string, FakeTensor>> batch;
  std::vector<std::pair<std::string, FakeTensor>> outputs;
  std::vector<std::pair<std::string, double>> metrics;
  uint64_t value_reads = 0;  // tensors and numbers that hooks asked the values service for

  std::vector<FakeModule> modules;
  std::vector<FakeEntry> parameters;
  std::vector<FakeEntry> buffers;
  std::vector<FakeEntry> gradients;
  int64_t model_epoch = -1;  // as last told by set_epoch
  int64_t model_max_epochs = -1;

  std::vector<FakeGroup> groups;

  std::map<int32_t, FakeDataset> datasets;  // by GRAPNEL_MODE_
  // {height, width} in pixels; empty: the task has no image size.
  std::optional<std::pair<int64_t, int64_t>> image_size = std::make_pair<int64_t, int64_t>(160, 160);
  int image_size_changes = 0;

  std::vector<std::string> scalar_order;
  std::map<std::string, std::vector<double>> scalars;
  std::map<std::string, std::string> texts;

  FakeCheckpoint checkpoint;
  std::shared_ptr<FakeCollectives> collectives = std::make_shared<FakeCollectives>();
  int collective_calls = 0;

  std::set<std::string> missing_services;  // ids that get_service answers with NULL; set before load
  int32_t current_point = -1;              // GRAPNEL_POINT_ of the running call

 private:
  struct Instance;
  const Instance& instance_at(size_t index) const;
  std::vector<std::unique_ptr<Instance>> instances_;
};

// The tables behind get_service; NULL for an unknown id. In fake_services.cpp.
const void* fake_service(const std::string& id);

}  // namespace grapnel::testing
