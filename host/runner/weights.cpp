#include "runner/weights.hpp"

#include <spdlog/spdlog.h>

#include <map>
#include <vector>

#include "core/failure.hpp"
#include "runner/foreign_names.hpp"
#include "runner/module_tree.hpp"
#include "runner/weights_input.hpp"

namespace grapnel::runner {
namespace {

// At most a few, so that a whole foreign network doesn't fill the screen.
std::string some_of(const std::vector<std::string>& names, size_t most) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < most; ++i) text += (i > 0 ? ", " : "") + names[i];
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

bool ends_with(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

// Counts batches for a moving average without momentum, and old files lack it; fits any model.
bool is_batch_count(const std::string& name) { return ends_with(name, "num_batches_tracked"); }

struct OtherShape {
  std::string name;
  std::vector<int64_t> given, own;
};

// Tells a head for another number of classes: every shape differs in its first size only, and all in the same
// way. 0 for anything else.
int64_t classes_of_file(const std::vector<OtherShape>& shapes) {
  if (shapes.empty()) return 0;
  const auto first = [](const std::vector<int64_t>& sizes) { return sizes.empty() ? 0 : sizes[0]; };
  for (const OtherShape& shape : shapes) {
    std::vector<int64_t> adapted = shape.given;
    if (adapted.empty() || shape.own.empty()) return 0;
    adapted[0] = shape.own[0];
    if (adapted != shape.own || first(shape.given) != first(shapes[0].given) ||
        first(shape.own) != first(shapes[0].own)) {
      return 0;
    }
  }
  return first(shapes[0].given);
}

struct Comparison {
  size_t loaded = 0;
  size_t own = 0;                       // tensors that the model has
  std::vector<std::string> missing;     // in the file
  std::vector<std::string> unexpected;  // in the model
  std::vector<OtherShape> other_shape;

  std::string text() const {
    std::vector<std::string> shapes;
    for (const OtherShape& shape : other_shape) {
      shapes.push_back(shape.name + " " + c10::str(c10::IntArrayRef(shape.given)) + " for " +
                       c10::str(c10::IntArrayRef(shape.own)));
    }
    std::string difference;
    const auto add = [&difference](const char* what, const std::string& names) {
      if (!names.empty()) difference += (difference.empty() ? "" : "; ") + std::string(what) + ": " + names;
    };
    add("other shape", some_of(shapes, 12));
    add("missing", some_of(missing, 5));
    add("unknown", some_of(unexpected, 5));
    return difference;
  }
};

Comparison copy_into(torch::nn::Module& model, std::map<std::string, torch::Tensor> given) {
  const torch::NoGradGuard no_grad;
  Comparison comparison;
  for (auto& [name, tensor] : model_tensors(model)) {
    const auto found = given.find(name);
    const bool counts = !is_batch_count(name);
    comparison.own += counts;
    if (found == given.end()) {
      if (counts) comparison.missing.push_back(name);
      continue;
    }
    if (found->second.sizes() != tensor.sizes() || found->second.is_complex() != tensor.is_complex()) {
      comparison.other_shape.push_back({name, found->second.sizes().vec(), tensor.sizes().vec()});
    } else {
      tensor.copy_(found->second);
      comparison.loaded += counts;
    }
    given.erase(found);
  }
  for (const auto& [name, tensor] : given) comparison.unexpected.push_back(shown(name));
  return comparison;
}

}  // namespace

void load_tensors(torch::nn::Module& model, const NamedTensors& tensors, bool strict,
                  const std::string& path) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  if (const auto* foreign = dynamic_cast<const ForeignNames*>(&model)) {
    const std::string project = foreign->translate_names(names);
    if (!project.empty()) spdlog::info("{}: has {}'s names", path, project);
  }
  std::map<std::string, torch::Tensor> given;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty()) given[names[i]] = tensors[i].second;
  }
  const Comparison comparison = copy_into(model, std::move(given));
  const bool same = comparison.missing.empty() && comparison.other_shape.empty();
  if (same && (comparison.unexpected.empty() || !strict)) return;

  if (strict || comparison.loaded <= comparison.other_shape.size()) {
    std::string hint = "check [model] against the run that wrote it";
    if (const int64_t classes = classes_of_file(comparison.other_shape)) {
      hint = "another number of classes? the file's head has " + std::to_string(classes) +
             ": model.num_classes; training may start from it with load_from";
    }
    throw Failure(FailureKind::kConfig, {"the file's weights do not fit the model", path, comparison.text(),
                                         "the model's own tensors", hint});
  }
  spdlog::warn("{}: loaded {} of {} tensors, the others keep their initial values; {}", path,
               comparison.loaded, comparison.own, comparison.text());
}

void load_weights(torch::nn::Module& model, const std::string& path) {
  load_tensors(model, read_weights(path), /*strict=*/true, path);
}

}  // namespace grapnel::runner
