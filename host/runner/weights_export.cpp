#include "runner/weights_export.hpp"

#include <filesystem>
#include <vector>

#include "core/failure.hpp"
#include "runner/safetensors.hpp"
#include "runner/tensor_archive.hpp"

namespace grapnel::runner {
namespace {

bool is_safetensors(const std::string& path) {
  return std::filesystem::path(path).extension() == ".safetensors";
}

void write_as_safetensors(const std::string& path, const NamedTensors& tensors) {
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, tensor] : tensors) {
    entries.push_back({name, stored_dtype(tensor.scalar_type()), tensor.sizes().vec(), tensor.data_ptr()});
  }
  write_safetensors(path, entries, {{"format", "pt"}});
}

void write_as_pickle(const std::string& path, const NamedTensors& tensors) {
  TensorArchiveWriter archive;
  archive.pickle().begin_dict();
  archive.pickle().string("model");
  archive.pickle().begin_dict();
  for (const auto& [name, tensor] : tensors) {
    archive.pickle().string(name);
    archive.tensor(tensor);
  }
  archive.pickle().end_dict();
  archive.pickle().end_dict();
  archive.write(path);
}

}  // namespace

void check_export_path(const std::string& path) {
  const std::string ending = std::filesystem::path(path).extension().string();
  if (ending == ".pth" || ending == ".pt" || ending == ".safetensors") return;
  throw Failure(FailureKind::kConfig,
                {"unknown kind of weights file to write", path, ending, ".pth, .pt or .safetensors", ""});
}

void export_weights(const std::string& path, const NamedTensors& tensors,
                    std::optional<c10::ScalarType> dtype) {
  check_export_path(path);
  NamedTensors dense;
  for (const auto& [name, tensor] : tensors) {
    torch::Tensor values = tensor.detach().cpu().contiguous();
    if (dtype && values.is_floating_point()) values = values.to(*dtype);
    dense.emplace_back(name, values);
  }
  if (is_safetensors(path)) {
    write_as_safetensors(path, dense);
  } else {
    write_as_pickle(path, dense);
  }
}

}  // namespace grapnel::runner
