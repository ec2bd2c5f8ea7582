// grapnel weights.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/verbs.hpp"
#include "core/failure.hpp"
#include "runner/tensor_archive.hpp"
#include "runner/weights_export.hpp"
#include "runner/weights_file.hpp"
#include "tasks/detection/weight_names.hpp"

namespace grapnel::cli {
namespace {

struct WeightsArguments {
  std::string file, out, dtype;
};

std::string shape_text(const runner::StoredTensor& tensor) {
  std::string text = "[";
  for (const int64_t size : tensor.sizes) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

// Each tensor's name as Grapnel would know it, "" for what it has no use for; true for MMDetection's.
bool own_names(const runner::WeightsFile& file, std::vector<std::string>& names) {
  for (const auto& [name, tensor] : file.tensors()) names.push_back(name);
  return detection::translate_mmdet_names(names);
}

void list(const runner::WeightsFile& file, const std::vector<std::string>& names, bool mmdet) {
  size_t width = 0;
  uint64_t elements = 0, bytes = 0;
  for (const auto& [name, tensor] : file.tensors()) {
    width = std::max(width, runner::shown(name).size());
    elements += tensor.elements;
    bytes += tensor.bytes();
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const auto& [name, tensor] = file.tensors()[i];
    std::string as;
    if (mmdet && names[i] != name) as = names[i].empty() ? "  (not used)" : "  = " + runner::shown(names[i]);
    std::printf("%-*s  %-8s  %s%s\n", static_cast<int>(width), runner::shown(name).c_str(),
                runner::dtype_info(tensor.dtype).name, shape_text(tensor).c_str(), as.c_str());
  }
  std::printf("%s: %s", file.path().c_str(), file.format().c_str());
  if (!file.key().empty()) std::printf(", under '%s'", file.key().c_str());
  std::printf("; %zu tensors, %llu numbers, %llu bytes%s\n", names.size(),
              static_cast<unsigned long long>(elements), static_cast<unsigned long long>(bytes),
              mmdet ? "; MMDetection's names" : "");
}

void convert(runner::WeightsFile& file, const std::vector<std::string>& names,
             const WeightsArguments& arguments) {
  std::optional<c10::ScalarType> dtype;
  if (!arguments.dtype.empty()) dtype = runner::scalar_type(runner::find_dtype(arguments.dtype)->dtype);
  runner::NamedTensors tensors;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty())
      tensors.emplace_back(names[i], runner::read_tensor(file.source(), file.tensors()[i].second));
  }
  runner::export_weights(arguments.out, tensors, dtype);
  std::printf("%s: %zu tensors%s%s\n", arguments.out.c_str(), tensors.size(), dtype ? " as " : "",
              arguments.dtype.c_str());
}

int weights(const WeightsArguments& arguments) {
  if (arguments.out.empty() && !arguments.dtype.empty()) {
    throw Failure(FailureKind::kConfig,
                  {"--dtype is for the file to write", "", "no --out", "--out FILE", ""});
  }
  if (!arguments.out.empty()) runner::check_export_path(arguments.out);
  runner::WeightsFile file(arguments.file);
  std::vector<std::string> names;
  const bool mmdet = own_names(file, names);
  if (arguments.out.empty()) {
    list(file, names, mmdet);
  } else {
    convert(file, names, arguments);
  }
  return 0;
}

}  // namespace

void add_weights_verb(CLI::App& app, Verb& verb) {
  auto arguments = std::make_shared<WeightsArguments>();
  CLI::App* sub =
      app.add_subcommand("weights", "Lists the tensors of a weights file, or writes them for other programs");
  sub->add_option("FILE", arguments->file, "A checkpoint, torch.save's .pth or .safetensors")->required();
  sub->add_option("--out", arguments->out,
                  "Writes the weights, under Megvii's names, into this .pth or .safetensors")
      ->type_name("FILE");
  sub->add_option("--dtype", arguments->dtype, "Converts floating-point tensors")
      ->type_name("DTYPE")
      ->check(CLI::IsMember({"float16", "bfloat16", "float32"}));
  sub->callback([&verb, arguments] { verb = [arguments] { return weights(*arguments); }; });
}

}  // namespace grapnel::cli
