#include "runner/weights.hpp"

#include <spdlog/spdlog.h>

#include <map>
#include <vector>

#include "core/failure.hpp"
#include "runner/module_tree.hpp"

namespace grapnel::runner {
namespace {

// At most a few names, so that a whole foreign network doesn't fill the screen.
std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < 5; ++i) text += (i > 0 ? ", " : "") + names[i];
  if (names.size() > 5) text += " and " + std::to_string(names.size() - 5) + " more";
  return text;
}

bool ends_with(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

}  // namespace

void load_tensors(torch::nn::Module& model, const NamedTensors& tensors, bool strict, const std::string& path) {
  std::map<std::string, torch::Tensor> given(tensors.begin(), tensors.end());
  std::vector<std::string> missing, other_shape, unexpected;
  size_t loaded = 0;
  {
    torch::NoGradGuard no_grad;
    for (auto& [name, tensor] : model_tensors(model)) {
      const auto found = given.find(name);
      if (found == given.end()) {
        // Counts batches for a moving average without momentum, and old files lack it.
        if (!ends_with(name, "num_batches_tracked")) missing.push_back(name);
        continue;
      }
      if (found->second.sizes() != tensor.sizes()) {
        other_shape.push_back(name + " " + c10::str(found->second.sizes()) + " for " + c10::str(tensor.sizes()));
      } else {
        tensor.copy_(found->second);
        ++loaded;
      }
      given.erase(found);
    }
  }
  for (const auto& [name, tensor] : given) unexpected.push_back(name);
  if (missing.empty() && other_shape.empty() && (unexpected.empty() || !strict)) return;
  std::string difference;
  if (!missing.empty()) difference += "missing: " + some_of(missing) + "; ";
  if (!other_shape.empty()) difference += "other shape: " + some_of(other_shape) + "; ";
  if (!unexpected.empty()) difference += "unknown: " + some_of(unexpected) + "; ";
  difference.resize(difference.size() - 2);
  if (strict || loaded == 0) {
    throw Failure(FailureKind::kConfig, {"the file's weights do not fit the model", path, difference,
                                         "the model's own tensors", "check [model] against the run that wrote it"});
  }
  spdlog::warn("{}: loaded {} tensors; {}", path, loaded, difference);
}

void load_weights(torch::nn::Module& model, const std::string& path) {
  load_tensors(model, read_weights(path), /*strict=*/true, path);
}

}  // namespace grapnel::runner
