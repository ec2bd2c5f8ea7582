// A hook over the C++ layer of revision 1.0: options of every kind, points, state with a tensor, errors.
#include <grapnel/hook.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr const char* kPlaces[] = {"nowhere", "error", "exception", "not_even_an_exception"};

class OldHookLayer : public grapnel::Hook {
 public:
  static constexpr int32_t default_priority = GRAPNEL_PRIORITY_LOW;
  static constexpr const char* author = "A stranger";

  explicit OldHookLayer(const grapnel::Setup& setup)
      : Hook(setup), interval_(setup.integer("interval")), fail_(setup.text("fail")) {
    std::string line = "interval " + std::to_string(interval_) + ", enabled " +
                       std::to_string(setup.boolean("enabled")) + ", decay " +
                       std::to_string(setup.number("decay")) + ", tree " + setup.json("tree") + ", maybe " +
                       (setup.has("maybe") ? "set" : "not set");
    for (const int64_t item : setup.integers("ints")) line += " " + std::to_string(item);
    for (const double item : setup.numbers("floats")) line += " " + std::to_string(item);
    for (const std::string& item : setup.texts("texts")) line += " " + item;
    log().info(line);
    averages_.assign(4, 0.0);
  }
  ~OldHookLayer() override { log().info("destroyed"); }

  void before_run(const grapnel::Point&) override {
    if (fail_ == "error") throw grapnel::Error("no licence server", GRAPNEL_STATUS_IO);
    if (fail_ == "exception") throw std::logic_error("logic");
    if (fail_ == "not_even_an_exception") throw 42;
  }
  void after_train_iter(const grapnel::Point& at) override {
    for (double& average : averages_) average += static_cast<double>(at.iter);
    if (every_n_train_iters(at, interval_)) log().info("iter " + std::to_string(at.iter));
  }
  void after_train_epoch(const grapnel::Point& at) override {
    log().info(is_last_train_epoch(at) ? "last epoch" : "epoch");
    if (!runner().exists()) log().warning("this host has no runner");
  }

  void save_state(grapnel::StateWriter& out) override {
    out.integer(interval_);
    out.text(fail_);
    int64_t shape[] = {4}, strides[] = {1};
    out.tensor(
        "averages",
        {averages_.data(), {GRAPNEL_DEVICE_CPU, 0}, 1, {GRAPNEL_DTYPE_FLOAT, 64, 1}, shape, strides, 0});
  }
  void load_state(grapnel::StateReader& in) override {
    const int64_t interval = in.integer();
    const std::string fail = in.text();
    const grapnel_tensor view = in.tensor("averages");
    if (view.ndim != 1 || view.shape[0] != 4) throw grapnel::Error("another number of averages");
    const auto* data = static_cast<const double*>(view.data);
    averages_.assign(data, data + 4);
    log().info("loaded " + std::to_string(interval) + " " + fail + " " + std::to_string(averages_[3]) +
               " by " + in.plugin_version());
  }

 private:
  int64_t interval_;
  std::string fail_;
  std::vector<double> averages_;
};

}  // namespace

GRAPNEL_HOOK(OldHookLayer, "1.0.3", "A hook of the C++ layer",
             grapnel::int_option("interval", "10", "iterations", 1),
             grapnel::choice_option("fail", "\"nowhere\"", "how it fails", kPlaces),
             grapnel::bool_option("enabled", "true", "a flag"),
             grapnel::float_option("decay", "0.5", "a rate", 0, 1),
             grapnel::tree_option("tree", "{}", "anything"),
             grapnel::optional(grapnel::string_option("maybe", nullptr, "may be left out")),
             grapnel::int_list_option("ints", "[1, 2]", "integers"),
             grapnel::float_list_option("floats", "[0.5]", "numbers"),
             grapnel::string_list_option("texts", "[\"x\"]", "texts"));
