// What a pickle holds, as plain data: nothing is ever imported or called, so a file can do no more than be
// wrong. Objects of the few classes that may stand beside weights are kept as what they were made of. No
// LibTorch in here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grapnel::runner {

struct PickleNode {
  enum class Kind : uint8_t {
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
    kStorage,  // text: its record's key; type: "torch.FloatStorage"; integer: elements; items: a view's
               // offset and size
    kTensor,   // items: storage, offset, sizes, strides, as torch._utils._rebuild_tensor_v2 gets them
    kObject,   // type: "module.name"; items: arguments; members: what was set on it as on a dict
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;
  double number = 0;
  std::string_view text;  // into the document's bytes or names
  std::string_view type;  // likewise, or a literal
  std::vector<const PickleNode*> items;
  std::vector<std::pair<const PickleNode*, const PickleNode*>> members;

  // The last member with this string key, as in Python; null when there is none.
  const PickleNode* find(std::string_view key) const;
};

// A pickle's nodes, which refer to each other, and the outermost one.
struct PickleDocument {
  std::shared_ptr<const std::string> bytes;
  std::deque<PickleNode> nodes;
  std::deque<std::string> names;  // "module.name", which the file has in two parts
  const PickleNode* root = nullptr;
  size_t end = 0;  // the first byte after the pickle
};

}  // namespace grapnel::runner
