// Logs the gradients' norms, in total and of the layers where they are largest, with LibTorch's operations on
// the model's own memory. Shows grapnel/torch.hpp: a borrowed view becomes an at::Tensor without a copy.
#include <grapnel/torch.hpp>  // before hook.hpp: the plugin then names the LibTorch that it needs
#include <grapnel/hook.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

std::string four_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace

class GradientNorms : public grapnel::Hook {
 public:
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit GradientNorms(const grapnel::Setup& setup)
      : Hook(setup), interval_(setup.integer("interval")), largest_(setup.integer("largest")) {}

  void before_optimizer_step(const grapnel::Point& at) override {
    if (!every_n_train_iters(at, interval_)) return;
    const std::vector<Layer> layers = norms_by_layer();
    double sum_of_squares = 0;
    std::string text;
    for (size_t i = 0; i < layers.size(); ++i) {
      sum_of_squares += layers[i].norm * layers[i].norm;
      message_hub().update_scalar("grad_norm/" + layers[i].name, layers[i].norm);
      if (i < static_cast<size_t>(largest_))
        text += ", " + layers[i].name + " " + four_digits(layers[i].norm);
    }
    message_hub().update_scalar("train/grad_norm", std::sqrt(sum_of_squares));
    log().info("iteration " + std::to_string(at.iter + 1) + ": gradient norm " +
               four_digits(std::sqrt(sum_of_squares)) + (text.empty() ? "" : "; largest" + text.substr(1)));
  }

 private:
  struct Layer {
    std::string name;
    double norm;
  };

  // Every module that owns a parameter with a gradient, the largest norm first.
  std::vector<Layer> norms_by_layer() const {
    std::map<uint64_t, std::vector<at::Tensor>> by_module;  // 0-d norms
    for (uint64_t i = 0; i < model().count(GRAPNEL_MODEL_GRADIENTS); ++i) {
      const grapnel_model_entry entry = model().get(GRAPNEL_MODEL_GRADIENTS, i);
      if (entry.tensor.data == nullptr) continue;  // no gradient at this step
      by_module[entry.module_index].push_back(grapnel::borrow_tensor(entry.tensor).to(at::kDouble).norm());
    }
    std::vector<Layer> layers;
    for (const auto& [module_index, norms] : by_module) {
      const std::string name = model().module(module_index).name;
      layers.push_back({name.empty() ? "model" : name, at::stack(norms).norm().item<double>()});
    }
    std::stable_sort(layers.begin(), layers.end(),
                     [](const Layer& a, const Layer& b) { return a.norm > b.norm; });
    return layers;
  }

  int64_t interval_;
  int64_t largest_;
};

GRAPNEL_HOOK(GradientNorms, "1.0.0", "Logs gradient norms, in total and by layer",
             grapnel::int_option("interval", "50", "train iterations between two looks", 1),
             grapnel::int_option("largest", "3", "layers that the log line names", 0, 100));
