// What a pickle holds, as plain data: nothing is ever imported or called, so a file can do no more than be
// wrong. Objects of classes that are not known here are kept as what they were made of. No LibTorch in here.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grapnel::runner {

struct PickleNode {
  enum class Kind {
    kNone,
    kBool,     // integer: 0 or 1
    kInt,      // integer
    kFloat,    // number
    kString,   // text
    kBytes,    // text
    kList,     // items; sets too
    kTuple,    // items
    kDict,     // members; OrderedDict too
    kGlobal,   // text: "module.name"
    kStorage,  // text: its record's key; type: "torch.FloatStorage"; integer: elements
    kTensor,   // items: storage, offset, sizes, strides, as torch._utils._rebuild_tensor_v2 gets them
    kObject,   // type: "module.name"; items: arguments; members: what was set on it as on a dict
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::string type;
  std::vector<const PickleNode*> items;
  std::vector<std::pair<const PickleNode*, const PickleNode*>> members;

  // The member with this string key; null when there is none.
  const PickleNode* find(std::string_view key) const;
};

// A pickle's nodes, which refer to each other, and the outermost one.
struct PickleDocument {
  std::deque<PickleNode> nodes;
  const PickleNode* root = nullptr;
};

}  // namespace grapnel::runner
