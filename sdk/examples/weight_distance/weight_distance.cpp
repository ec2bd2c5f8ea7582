// Measures how far one parameter has moved from where it was when training began. Shows a hook that keeps a
// state, numbers and a tensor: after a resume it still knows the first run's start.
#include <grapnel/elements.hpp>
#include <grapnel/hook.hpp>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

class WeightDistance : public grapnel::Hook {
 public:
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit WeightDistance(const grapnel::Setup& setup) : Hook(setup), name_(setup.text("parameter")) {}

  void before_train(const grapnel::Point&) override {
    if (start_.empty()) start_ = elements_of(parameter());  // else load_state has brought it back
  }

  void after_train_epoch(const grapnel::Point& at) override {
    const std::vector<float> now = elements_of(parameter());
    check_size(now.size());
    double sum_of_squares = 0;
    for (size_t i = 0; i < now.size(); ++i) {
      const double moved = static_cast<double>(now[i]) - static_cast<double>(start_[i]);
      sum_of_squares += moved * moved;
    }
    const double distance = std::sqrt(sum_of_squares);
    if (distance > farthest_) {
      farthest_ = distance;
      farthest_epoch_ = at.epoch + 1;
    }
    message_hub().update_scalar("train/weight_distance", distance);
    log().info("epoch " + std::to_string(at.epoch + 1) + ": the weights are " + std::to_string(distance) +
               " from their start, farthest " + std::to_string(farthest_) + " after epoch " +
               std::to_string(farthest_epoch_));
  }

  // Small things go through the byte stream, large ones are named tensors of the checkpoint.
  void save_state(grapnel::StateWriter& writer) override {
    writer.number(farthest_);
    writer.integer(farthest_epoch_);
    writer.integer(static_cast<int64_t>(start_.size()));
    if (start_.empty()) return;  // saved before training began
    int64_t shape = static_cast<int64_t>(start_.size()), stride = 1;
    writer.tensor(
        "start",
        {start_.data(), {GRAPNEL_DEVICE_CPU, 0}, 1, {GRAPNEL_DTYPE_FLOAT, 32, 1}, &shape, &stride, 0});
  }

  // Reads everything before it changes anything, and refuses what save_state cannot have written.
  void load_state(grapnel::StateReader& reader) override {
    const double farthest = reader.number();
    const int64_t farthest_epoch = reader.integer();
    const int64_t size = reader.integer();
    if (!(farthest >= 0) || farthest_epoch < 0 || size < 0) {
      throw grapnel::Error("the saved state holds a negative distance, epoch or size");
    }
    std::vector<float> start;
    if (size > 0) start = elements_of(reader.tensor("start"));
    if (start.size() != static_cast<size_t>(size)) {
      throw grapnel::Error("the saved start has " + std::to_string(start.size()) + " numbers, expected " +
                           std::to_string(size));
    }
    start_ = std::move(start);
    farthest_ = farthest;
    farthest_epoch_ = farthest_epoch;
  }

 private:
  // The parameter named by the option, or the model's first.
  grapnel_tensor parameter() const {
    for (uint64_t i = 0; i < model().count(GRAPNEL_MODEL_PARAMETERS); ++i) {
      const grapnel_model_entry entry = model().get(GRAPNEL_MODEL_PARAMETERS, i);
      if (name_.empty() || name_ == entry.name) return entry.tensor;
    }
    throw grapnel::Error(
        name_.empty() ? "the model has no parameters" : "the model has no parameter \"" + name_ + "\"",
        GRAPNEL_STATUS_NOT_FOUND);
  }

  static std::vector<float> elements_of(const grapnel_tensor& view) {
    std::vector<float> elements;
    elements.reserve(static_cast<size_t>(grapnel::element_count(view)));
    grapnel::for_each_element(view, [&](auto& value) { elements.push_back(static_cast<float>(value)); });
    return elements;
  }

  void check_size(size_t now) const {
    if (now == start_.size()) return;
    throw grapnel::Error("the parameter has " + std::to_string(now) + " numbers, its start had " +
                         std::to_string(start_.size()) + ": is it another model?");
  }

  std::string name_;
  std::vector<float> start_;
  double farthest_ = 0;
  int64_t farthest_epoch_ = 0;
};

GRAPNEL_HOOK(WeightDistance, "1.0.0", "Measures how far a parameter has moved since training began",
             grapnel::string_option("parameter", "\"\"", "the parameter's name; \"\": the model's first"));
