#include "runner/pickle_classes.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

#include "runner/stored_tensor.hpp"

namespace grapnel::runner {
namespace {

constexpr std::string_view kTorch = "torch.";

// Values without behaviour. `getattr` is how protocol 2 spells a method's name (MMEngine's HistoryBuffer
// keeps some); like everything here it is only looked at.
constexpr std::string_view kOpaque[] = {
    "_codecs.encode",
    "argparse.Namespace",
    "builtins.bool",
    "builtins.bytearray",
    "builtins.bytes",
    "builtins.complex",
    "builtins.dict",
    "builtins.float",
    "builtins.frozenset",
    "builtins.getattr",
    "builtins.int",
    "builtins.list",
    "builtins.object",
    "builtins.range",
    "builtins.set",
    "builtins.slice",
    "builtins.str",
    "builtins.tuple",
    "collections.Counter",
    "collections.defaultdict",
    "collections.deque",
    "copyreg._reconstructor",
    "datetime.date",
    "datetime.datetime",
    "datetime.timedelta",
    "datetime.timezone",
    "mmengine.config.config.ConfigDict",
    "mmengine.logging.history_buffer.HistoryBuffer",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy._core.numeric._frombuffer",
    "numpy.bool_",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy.core.numeric._frombuffer",
    "numpy.dtype",
    "numpy.float16",
    "numpy.float32",
    "numpy.float64",
    "numpy.int32",
    "numpy.int64",
    "numpy.ndarray",
    "numpy.uint8",
    "pathlib.Path",
    "pathlib.PosixPath",
    "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath",
    "pathlib.WindowsPath",
    "torch.Size",
    "torch.Tensor",
    "torch._tensor.Tensor",
    "torch.device",
    "torch.nn.parameter.Buffer",
    "torch.nn.parameter.Parameter",
    "yacs.config.CfgNode",
};

// Python 2's names of the same, which protocol 2 writes.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kOldNames = {{
    {"__builtin__.unicode", "builtins.str"},
    {"__builtin__.long", "builtins.int"},
    {"__builtin__.xrange", "builtins.range"},
    {"copy_reg._reconstructor", "copyreg._reconstructor"},
}};

bool is_opaque(std::string_view name) {
  return std::find(std::begin(kOpaque), std::end(kOpaque), name) != std::end(kOpaque);
}

}  // namespace

PickleClass classify_global(std::string_view name) {
  if (name == "torch._utils._rebuild_tensor_v2" || name == "torch._utils._rebuild_tensor") {
    return PickleClass::kTensor;
  }
  if (name == "torch._utils._rebuild_parameter" || name == "torch._utils._rebuild_parameter_with_state") {
    return PickleClass::kParameter;
  }
  if (name == "torch._tensor._rebuild_from_type_v2") return PickleClass::kTypedTensor;
  if (name == "collections.OrderedDict") return PickleClass::kOrderedDict;
  if (name.substr(0, kTorch.size()) == kTorch) {
    const std::string_view inner = name.substr(kTorch.size());
    if (find_storage_type(inner) != nullptr || find_dtype(inner) != nullptr) return PickleClass::kOpaque;
  }
  for (const auto& [old_name, new_name] : kOldNames) {
    if (name == old_name) return PickleClass::kOpaque;
  }
  constexpr std::string_view kOldBuiltins = "__builtin__.";
  if (name.substr(0, kOldBuiltins.size()) == kOldBuiltins) {
    return is_opaque("builtins." + std::string(name.substr(kOldBuiltins.size()))) ? PickleClass::kOpaque
                                                                                  : PickleClass::kUnknown;
  }
  return is_opaque(name) ? PickleClass::kOpaque : PickleClass::kUnknown;
}

}  // namespace grapnel::runner
