// Compares every module's num_classes with the classes that the dataset declares, before an epoch is spent on
// a head of the wrong size.
#include <cstring>
#include <string>

#include <grapnel/hook.hpp>

namespace {

class NumClassCheckHook : public grapnel::Hook {
 public:
  explicit NumClassCheckHook(const grapnel::Setup& setup) : Hook(setup) {}

  void before_train_epoch(const grapnel::Point&) override { check(GRAPNEL_MODE_TRAIN, train_is_new_); }
  void before_val_epoch(const grapnel::Point&) override { check(GRAPNEL_MODE_VAL, val_is_new_); }

 private:
  void check(int32_t mode, bool& is_new) {
    const grapnel_dataset_info info = data().info(mode);
    if (info.classes_given_as_string) {
      throw grapnel::Error(std::string(info.config_key) + ": `classes` is one string, \"" +
                           data().class_name(mode, 0) + "\", expected a list of names: classes = [\"" +
                           data().class_name(mode, 0) + "\"]");
    }
    const bool first = is_new;
    is_new = false;
    if (info.class_count == 0) {
      if (first) {
        log().warning(std::string(info.config_key) +
                      " declares no classes: set `classes` there, so that num_classes can be checked");
      }
      return;
    }
    const int64_t classes = static_cast<int64_t>(info.class_count);
    const int modules = check_modules(info, classes);
    if (!first) return;
    check_labels(info, classes);
    log().info(std::string(info.config_key) + ": " + std::to_string(classes) +
               " classes, as num_classes of " + std::to_string(modules) +
               (modules == 1 ? " module says" : " modules say"));
  }

  int check_modules(const grapnel_dataset_info& info, int64_t classes) const {
    int checked = 0;
    for (uint64_t m = 0; m < model().module_count(); ++m) {
      const grapnel_module module = model().module(m);
      // An RPN head tells object from background only.
      if (std::strstr(module.type, "RPNHead") != nullptr) continue;
      for (uint64_t a = 0; a < module.attribute_count; ++a) {
        const grapnel_value attribute = model().attribute(m, a);
        if (attribute.kind != GRAPNEL_KIND_INT || std::strcmp(attribute.name, "num_classes") != 0) continue;
        ++checked;
        if (attribute.integer != classes)
          throw grapnel::Error(mismatch(module, attribute.integer, info, classes));
      }
    }
    return checked;
  }

  static std::string mismatch(const grapnel_module& module, int64_t num_classes,
                              const grapnel_dataset_info& info, int64_t classes) {
    return "model.num_classes: module '" + std::string(module.name) + "' (" + module.type +
           ") has num_classes = " + std::to_string(num_classes) + ", but " + info.config_key + " has " +
           std::to_string(classes) + " classes" + annotation_file(info);
  }

  static void check_labels(const grapnel_dataset_info& info, int64_t classes) {
    if (info.label_min > info.label_max) return;
    if (info.label_min >= 0 && info.label_max < classes) return;
    throw grapnel::Error(std::string(info.config_key) + ": labels from " + std::to_string(info.label_min) +
                         " to " + std::to_string(info.label_max) + " occur" + annotation_file(info) +
                         ", expected 0 to " + std::to_string(classes - 1) + " for " +
                         std::to_string(classes) + " classes");
  }

  static std::string annotation_file(const grapnel_dataset_info& info) {
    return *info.ann_file != '\0' ? " in " + std::string(info.ann_file) : "";
  }

  bool train_is_new_ = true;
  bool val_is_new_ = true;
};

}  // namespace

GRAPNEL_HOOK(NumClassCheckHook, "1.0.0", "Compares the model's num_classes with the dataset's classes");
