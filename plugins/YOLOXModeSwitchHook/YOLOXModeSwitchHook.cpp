// For the last epochs, switches the strong augmentation off and the L1 loss on.
//
// The switch is a level, not an edge: it is made at the first epoch that is late enough, so also by a run
// that was resumed beyond the epoch at which it was due.
#include <algorithm>
#include <string>
#include <vector>

#include <grapnel/hook.hpp>

namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "nothing" : text;
}

class YOLOXModeSwitchHook : public grapnel::Hook {
 public:
  explicit YOLOXModeSwitchHook(const grapnel::Setup& setup)
      : Hook(setup),
        num_last_epochs_(setup.integer("num_last_epochs")),
        skip_type_keys_(setup.texts("skip_type_keys")),
        new_train_pipeline_(setup.has("new_train_pipeline") ? setup.json("new_train_pipeline") : "") {}

  void before_train(const grapnel::Point& at) override {
    if (!at.by_epoch) {
      throw grapnel::Error(
          "num_last_epochs counts epochs, but this run counts iterations: expected an EpochBasedTrainLoop");
    }
  }

  void before_train_epoch(const grapnel::Point& at) override {
    if (has_switched_ || at.epoch + 1 < at.max_epochs - num_last_epochs_) return;
    const std::string when =
        "from epoch " + std::to_string(at.epoch + 1) + " of " + std::to_string(at.max_epochs) + " on";
    log().info(when + ": " + change_pipeline());
    const int modules = model().set_boolean_everywhere("use_l1", true);
    log().info(when + ": " +
               (modules > 0 ? "the L1 loss is on" : "no L1 loss, no module has the attribute use_l1"));
    has_switched_ = true;
  }

 private:
  std::string change_pipeline() const {
    if (!new_train_pipeline_.empty()) {
      data().replace_pipeline(GRAPNEL_MODE_TRAIN, new_train_pipeline_);
      return "the training pipeline is new_train_pipeline";
    }
    std::vector<std::string> present;
    for (uint64_t t = 0; t < data().transform_count(GRAPNEL_MODE_TRAIN); ++t) {
      const std::string type = data().transform(GRAPNEL_MODE_TRAIN, t).type;
      const bool listed =
          std::find(skip_type_keys_.begin(), skip_type_keys_.end(), type) != skip_type_keys_.end();
      if (listed && std::find(present.begin(), present.end(), type) == present.end()) present.push_back(type);
    }
    data().set_skipped_types(GRAPNEL_MODE_TRAIN, skip_type_keys_);
    return "switched off in the training pipeline: " + joined(present);
  }

  int64_t num_last_epochs_;
  std::vector<std::string> skip_type_keys_;
  std::string new_train_pipeline_;
  bool has_switched_ = false;
};

}  // namespace

GRAPNEL_HOOK(YOLOXModeSwitchHook, "1.0.0", "Ends with epochs without strong augmentation, with the L1 loss",
             grapnel::int_option("num_last_epochs", "15",
                                 "the switch is made before epoch max_epochs - num_last_epochs", 0),
             grapnel::string_list_option("skip_type_keys", R"(["Mosaic", "RandomAffine", "MixUp"])",
                                         "transforms to switch off"),
             grapnel::optional(grapnel::tree_option("new_train_pipeline", nullptr,
                                                    "a whole new pipeline, instead of skipping transforms")));
