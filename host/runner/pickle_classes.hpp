// Which Python names a pickle of weights may mention. Those that carry tensors and dicts are built; some
// plain ones that training scripts put beside the weights (numpy's numbers, dates, MMEngine's log histories)
// are kept as opaque data; there is nothing else.
#pragma once

#include <string_view>

namespace grapnel::runner {

enum class PickleClass {
  kTensor,       // _rebuild_tensor_v2(storage, offset, sizes, strides, ...)
  kParameter,    // _rebuild_parameter(tensor, ...)
  kTypedTensor,  // _rebuild_from_type_v2(rebuild, type, arguments, state)
  kOrderedDict,
  kOpaque,
  kUnknown,
};

// `name`: "module.name", as in the pickle.
PickleClass classify_global(std::string_view name);

inline bool may_stand_in_weights_file(std::string_view name) {
  return classify_global(name) != PickleClass::kUnknown;
}

}  // namespace grapnel::runner
