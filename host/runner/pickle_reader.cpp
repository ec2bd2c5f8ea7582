#include "runner/pickle_reader.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "core/failure.hpp"

namespace grapnel::runner {

const PickleNode* PickleNode::find(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name->kind == Kind::kString && name->text == key) return value;
  }
  return nullptr;
}

namespace {

using Kind = PickleNode::Kind;

class PickleReader {
 public:
  PickleReader(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  PickleDocument read() {
    while (!stopped_) step(static_cast<uint8_t>(*take(1)));
    document_.root = pop();
    return std::move(document_);
  }

 private:
  [[noreturn]] void fail(std::string got) const {
    throw Failure(FailureKind::kConfig, {"the file's pickle is damaged or of an unknown kind", path_,
                                         std::move(got) + " at byte " + std::to_string(at_), "", ""});
  }

  const char* take(size_t count) {
    if (count > bytes_.size() - at_) fail("an early end");
    const char* taken = bytes_.data() + at_;
    at_ += count;
    return taken;
  }

  // Little-endian, as all of pickle's lengths and integers.
  uint64_t unsigned_integer(size_t width) {
    const char* taken = take(width);
    uint64_t value = 0;
    for (size_t i = width; i-- > 0;) value = value << 8 | static_cast<uint8_t>(taken[i]);
    return value;
  }

  std::string text(size_t length) {
    const char* taken = take(length);
    return {taken, length};
  }

  std::string line() {
    const size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail("an early end");
    std::string found = text(end - at_);
    take(1);
    return found;
  }

  PickleNode* make(Kind kind) {
    PickleNode& node = document_.nodes.emplace_back();
    node.kind = kind;
    return &node;
  }
  PickleNode* push(Kind kind) {
    stack_.push_back(make(kind));
    return stack_.back();
  }
  void push_integer(int64_t value) { push(Kind::kInt)->integer = value; }
  void push_text(Kind kind, std::string value) { push(kind)->text = std::move(value); }

  PickleNode* pop() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back())) fail("an empty stack");
    PickleNode* node = stack_.back();
    stack_.pop_back();
    return node;
  }
  PickleNode* top() {
    if (stack_.empty()) fail("an empty stack");
    return stack_.back();
  }
  std::vector<const PickleNode*> pop_to_mark() {
    if (marks_.empty()) fail("a missing mark");
    std::vector<const PickleNode*> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()),
                                         stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }

  void push_tuple(size_t count) {
    std::vector<const PickleNode*> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    push(Kind::kTuple)->items = std::move(items);
  }

  void set_members(const std::vector<const PickleNode*>& flat) {
    if (flat.size() % 2 != 0) fail("a key without a value");
    PickleNode* owner = top();
    if (owner->kind != Kind::kDict && owner->kind != Kind::kObject)
      fail("members of something that is no dict");
    for (size_t i = 0; i < flat.size(); i += 2) owner->members.emplace_back(flat[i], flat[i + 1]);
  }
  void append_items(const std::vector<const PickleNode*>& items) {
    PickleNode* owner = top();
    if (owner->kind != Kind::kList && owner->kind != Kind::kObject)
      fail("items of something that is no list");
    owner->items.insert(owner->items.end(), items.begin(), items.end());
  }

  void memorize(uint64_t place) { memo_[place] = top(); }
  void recall(uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) fail("a reference to nothing");
    stack_.push_back(found->second);
  }

  // Two's complement of any length; numbers beyond 64 bits (hashes, seeds) are kept as opaque objects.
  void push_long(size_t width) {
    if (width > 8) {
      take(width);
      push(Kind::kObject)->type = "builtins.int";
      return;
    }
    uint64_t value = unsigned_integer(width);
    if (width > 0 && width < 8 && (value >> (width * 8 - 1)) != 0) value |= ~uint64_t{0} << (width * 8);
    push_integer(static_cast<int64_t>(value));
  }

  void push_float() {
    const char* taken = take(8);  // big-endian
    uint64_t bits = 0;
    for (int i = 0; i < 8; ++i) bits = bits << 8 | static_cast<uint8_t>(taken[i]);
    std::memcpy(&push(Kind::kFloat)->number, &bits, sizeof bits);
  }

  void push_storage() {
    const PickleNode* id = pop();
    if (id->kind != Kind::kTuple || id->items.size() < 5 || id->items[0]->text != "storage" ||
        id->items[1]->kind != Kind::kGlobal || id->items[2]->kind != Kind::kString ||
        id->items[4]->kind != Kind::kInt) {
      fail("a reference to something that is no storage");
    }
    PickleNode* storage = push(Kind::kStorage);
    storage->type = id->items[1]->text;
    storage->text = id->items[2]->text;
    storage->integer = id->items[4]->integer;
  }

  void call() {
    const PickleNode* arguments = pop();
    const PickleNode* callee = pop();
    if (arguments->kind != Kind::kTuple) fail("a call without arguments");
    const std::string name = callee->kind == Kind::kGlobal ? callee->text : std::string();
    const auto& given = arguments->items;
    if (name == "torch._utils._rebuild_tensor_v2" || name == "torch._utils._rebuild_tensor") {
      if (given.size() < 4 || given[0]->kind != Kind::kStorage) fail("a tensor without a storage");
      push(Kind::kTensor)->items.assign(given.begin(), given.begin() + 4);
    } else if (name == "torch._utils._rebuild_parameter" && !given.empty() &&
               given[0]->kind == Kind::kTensor) {
      push(Kind::kTensor)->items = given[0]->items;
    } else if (name == "collections.OrderedDict") {
      PickleNode* dict = push(Kind::kDict);
      if (given.empty()) return;
      for (const PickleNode* pair : given[0]->items) {
        if (pair->items.size() != 2) fail("a key without a value");
        dict->members.emplace_back(pair->items[0], pair->items[1]);
      }
    } else {
      PickleNode* object = push(Kind::kObject);
      object->type = name;
      object->items = given;
    }
  }

  void step(uint8_t opcode);
  void step_framing(uint8_t opcode);
  void step_collection(uint8_t opcode);

  std::string_view bytes_;
  const std::string& path_;
  size_t at_ = 0;
  bool stopped_ = false;
  PickleDocument document_;
  std::vector<PickleNode*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, PickleNode*> memo_;
};

// Opcodes as in CPython's Lib/pickle.py: scalars first, the others in the two functions below.
void PickleReader::step(uint8_t opcode) {
  switch (opcode) {
    case 'N':
      push(Kind::kNone);
      return;
    case 0x88:
      push(Kind::kBool)->integer = 1;
      return;  // NEWTRUE
    case 0x89:
      push(Kind::kBool)->integer = 0;
      return;  // NEWFALSE
    case 'J':
      push_integer(static_cast<int32_t>(unsigned_integer(4)));
      return;
    case 'K':
      push_integer(static_cast<int64_t>(unsigned_integer(1)));
      return;
    case 'M':
      push_integer(static_cast<int64_t>(unsigned_integer(2)));
      return;
    case 0x8a:
      push_long(unsigned_integer(1));
      return;  // LONG1
    case 0x8b:
      push_long(unsigned_integer(4));
      return;  // LONG4
    case 'G':
      push_float();
      return;
    case 'X':
      push_text(Kind::kString, text(unsigned_integer(4)));
      return;
    case 0x8c:
      push_text(Kind::kString, text(unsigned_integer(1)));
      return;  // SHORT_BINUNICODE
    case 0x8d:
      push_text(Kind::kString, text(unsigned_integer(8)));
      return;  // BINUNICODE8
    case 'T':
      push_text(Kind::kString, text(unsigned_integer(4)));
      return;
    case 'U':
      push_text(Kind::kString, text(unsigned_integer(1)));
      return;
    case 'B':
      push_text(Kind::kBytes, text(unsigned_integer(4)));
      return;
    case 'C':
      push_text(Kind::kBytes, text(unsigned_integer(1)));
      return;
    case 0x8e:
      push_text(Kind::kBytes, text(unsigned_integer(8)));
      return;  // BINBYTES8
    case 0x96:
      push_text(Kind::kBytes, text(unsigned_integer(8)));
      return;  // BYTEARRAY8
    default:
      step_collection(opcode);
  }
}

void PickleReader::step_collection(uint8_t opcode) {
  switch (opcode) {
    case '}':
      push(Kind::kDict);
      return;
    case ']':
      push(Kind::kList);
      return;
    case ')':
      push(Kind::kTuple);
      return;
    case 0x8f:
      push(Kind::kList);
      return;  // EMPTY_SET
    case 0x85:
      push_tuple(1);
      return;
    case 0x86:
      push_tuple(2);
      return;
    case 0x87:
      push_tuple(3);
      return;
    case '(':
      marks_.push_back(stack_.size());
      return;
    case 't':
    case 'l':
    case 0x91: {  // FROZENSET
      auto items = pop_to_mark();
      push(opcode == 't' ? Kind::kTuple : Kind::kList)->items = std::move(items);
      return;
    }
    case 'd': {
      const auto flat = pop_to_mark();
      push(Kind::kDict);
      set_members(flat);
      return;
    }
    case 'u':
      set_members(pop_to_mark());
      return;
    case 's': {
      const PickleNode* value = pop();
      const PickleNode* key = pop();
      set_members({key, value});
      return;
    }
    case 'e':
    case 0x90:
      append_items(pop_to_mark());
      return;  // ADDITEMS
    case 'a': {
      const PickleNode* item = pop();
      append_items({item});
      return;
    }
    default:
      step_framing(opcode);
  }
}

void PickleReader::step_framing(uint8_t opcode) {
  switch (opcode) {
    case 0x80:  // PROTO
      if (const uint64_t protocol = unsigned_integer(1); protocol > 5) {
        fail("protocol " + std::to_string(protocol));
      }
      return;
    case 0x95:
      take(8);
      return;  // FRAME
    case '.':
      stopped_ = true;
      return;
    case 'q':
      memorize(unsigned_integer(1));
      return;
    case 'r':
      memorize(unsigned_integer(4));
      return;
    case 0x94:
      memorize(memo_.size());
      return;  // MEMOIZE
    case 'h':
      recall(unsigned_integer(1));
      return;
    case 'j':
      recall(unsigned_integer(4));
      return;
    case '0':
      pop();
      return;
    case '1':
      pop_to_mark();
      return;
    case '2':
      stack_.push_back(top());
      return;
    case 'c': {
      const std::string module = line();
      push_text(Kind::kGlobal, module + "." + line());
      return;
    }
    case 0x93: {  // STACK_GLOBAL
      const PickleNode* name = pop();
      const PickleNode* module = pop();
      push_text(Kind::kGlobal, module->text + "." + name->text);
      return;
    }
    case 'Q':
      push_storage();
      return;
    case 'R':
    case 0x81:
      call();
      return;  // NEWOBJ
    case 'b':
      pop();  // an object's attributes: nothing that is read here has any
      top();
      return;
    default:
      fail("opcode " + std::to_string(opcode));
  }
}

}  // namespace

PickleDocument read_pickle(std::string_view bytes, const std::string& path) {
  return PickleReader(bytes, path).read();
}

}  // namespace grapnel::runner
