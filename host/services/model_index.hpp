// The model as the model service numbers it: modules, parameters and buffers in one order for the whole run.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "runner/task.hpp"

namespace grapnel::services {

class ModelIndex {
 public:
  struct Entry {
    std::string name;
    torch::Tensor tensor;
    uint64_t module_index = 0;
  };
  struct Module {
    std::string name;
    std::string type;  // without namespace and LibTorch's "Impl"
    bool is_norm = false;
    bool is_synchronized = false;
  };

  explicit ModelIndex(runner::Task& task);

  const std::vector<Module>& modules() const { return modules_; }
  const std::vector<Entry>& parameters() const { return parameters_; }
  const std::vector<Entry>& buffers() const { return buffers_; }

  // The module's attributes with their present values.
  std::vector<runner::ModuleAttribute> attributes(uint64_t module_index) const;
  // The same text at an address that stays: what hooks are given pointers to.
  const char* keep(const std::string& text) { return texts_.insert(text).first->c_str(); }

 private:
  runner::Task& task_;
  std::vector<Module> modules_;
  std::vector<Entry> parameters_;
  std::vector<Entry> buffers_;
  std::set<std::string> texts_;
};

}  // namespace grapnel::services
