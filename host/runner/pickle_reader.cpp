#include "runner/pickle_reader.hpp"

#include <array>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "runner/pickle_classes.hpp"
#include "runner/weights_input.hpp"

namespace grapnel::runner {

const PickleNode* PickleNode::find(std::string_view key) const {
  const PickleNode* found = nullptr;
  for (const auto& [name, value] : members) {
    if (name->kind == Kind::kString && name->text == key) found = value;
  }
  return found;
}

namespace {

using Kind = PickleNode::Kind;

// Far more than the largest checkpoint has, and few enough to hold: a byte of a pickle can ask for a hundred.
constexpr size_t kMostNodes = 1'000'000;
constexpr size_t kMostStacked = 1'000'000;
constexpr size_t kMostReferences = 4'000'000;
constexpr size_t kMostNameLength = 300;

class PickleReader {
 public:
  PickleReader(std::shared_ptr<const std::string> bytes, size_t begin, const std::string& path)
      : bytes_(*bytes), path_(path), at_(begin) {
    document_.bytes = std::move(bytes);
  }

  PickleDocument read() {
    while (!stopped_) step(static_cast<uint8_t>(*take(1)));
    document_.root = pop();
    document_.end = at_;
    return std::move(document_);
  }

 private:
  Failure::Parts parts(std::string got) const {
    return {"the file's pickle is damaged or of an unknown kind", path_,
            std::move(got) + " at byte " + std::to_string(at_), "", ""};
  }
  [[noreturn]] void fail(std::string got) const {
    throw Failure(FailureKind::kConfig, parts(std::move(got)));
  }
  [[noreturn]] void end_early() const { throw TruncatedPickle(FailureKind::kConfig, parts("an early end")); }

  const char* take(uint64_t count) {
    if (at_ > bytes_.size() || count > bytes_.size() - at_) end_early();
    const char* taken = bytes_.data() + at_;
    at_ += count;
    return taken;
  }

  // As all of pickle's lengths and integers.
  uint64_t unsigned_integer(size_t width) { return little_endian(take(width), width); }

  std::string_view text(uint64_t length) {
    const char* taken = take(length);
    return {taken, length};
  }

  std::string_view line() {
    const size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) end_early();
    const std::string_view found = text(end - at_);
    take(1);
    return found;
  }

  PickleNode* make(Kind kind) {
    if (document_.nodes.size() >= kMostNodes) fail("over " + std::to_string(kMostNodes) + " values");
    PickleNode& node = document_.nodes.emplace_back();
    node.kind = kind;
    return &node;
  }
  void push_node(PickleNode* node) {
    if (stack_.size() >= kMostStacked) fail("over " + std::to_string(kMostStacked) + " open values");
    stack_.push_back(node);
  }
  PickleNode* push(Kind kind) {
    push_node(make(kind));
    return stack_.back();
  }
  // Values that nothing can be added to are made once.
  void push_shared(PickleNode*& shared, Kind kind, int64_t value = 0) {
    if (shared == nullptr) {
      shared = make(kind);
      shared->integer = value;
    }
    push_node(shared);
  }
  void push_integer(int64_t value) {
    if (value >= 0 && value < static_cast<int64_t>(small_.size())) {
      push_shared(small_[static_cast<size_t>(value)], Kind::kInt, value);
    } else {
      push(Kind::kInt)->integer = value;
    }
  }
  void push_text(Kind kind, std::string_view value) { push(kind)->text = value; }

  void push_global(std::string_view module, std::string_view name) {
    std::string whole;
    if (module.size() + name.size() < kMostNameLength) whole.append(module).append(".").append(name);
    if (!may_stand_in_weights_file(whole)) {
      throw Failure(
          FailureKind::kConfig,
          {"the file holds more than weights", path_,
           "the class " + shown(std::string(module.substr(0, 100)) + "." + std::string(name.substr(0, 100))),
           "tensors in plain containers; nothing else is built, and nothing is run",
           "in Python: torch.save(model.state_dict(), path)"});
    }
    PickleNode* node = push(Kind::kGlobal);
    node->text = document_.names.emplace_back(std::move(whole));
  }

  PickleNode* pop() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back())) fail("an empty stack");
    PickleNode* node = stack_.back();
    stack_.pop_back();
    return node;
  }
  PickleNode* top() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back())) fail("an empty stack");
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

  // What one value keeps of others; a value that is referred to over and over could be copied any number of
  // times.
  void charge(size_t references) {
    if (references > kMostReferences - references_) {
      fail("over " + std::to_string(kMostReferences) + " references");
    }
    references_ += references;
  }
  void keep(PickleNode* owner, std::vector<const PickleNode*> items) {
    charge(items.size());
    owner->items = std::move(items);
  }

  void push_tuple(size_t count) {
    std::vector<const PickleNode*> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    keep(push(Kind::kTuple), std::move(items));
  }

  void set_members(const std::vector<const PickleNode*>& flat) {
    if (flat.size() % 2 != 0) fail("a key without a value");
    PickleNode* owner = top();
    if (owner->kind != Kind::kDict && owner->kind != Kind::kObject)
      fail("members of something that is no dict");
    charge(flat.size());
    for (size_t i = 0; i < flat.size(); i += 2) owner->members.emplace_back(flat[i], flat[i + 1]);
  }
  void append_items(const std::vector<const PickleNode*>& items) {
    PickleNode* owner = top();
    if (owner->kind != Kind::kList && owner->kind != Kind::kObject)
      fail("items of something that is no list");
    charge(items.size());
    owner->items.insert(owner->items.end(), items.begin(), items.end());
  }

  void memorize(uint64_t place) {
    PickleNode* node = top();
    if (memo_.size() >= kMostStacked) fail("over " + std::to_string(kMostStacked) + " remembered values");
    memo_[place] = node;
  }
  void recall(uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) fail("a reference to nothing");
    push_node(found->second);
  }

  // Two's complement of any length; numbers beyond 64 bits (hashes, seeds) are kept as opaque objects.
  void push_long(uint64_t width) {
    if (width > 8) {
      const std::string_view digits = text(width);
      PickleNode* number = push(Kind::kObject);
      number->type = "builtins.int";
      number->text = digits;
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

  // ("storage", type, key, device, elements), before 1.6 with (view key, offset, size) or None after it.
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
    if (id->items.size() < 6 || id->items[5]->kind == Kind::kNone) return;
    const PickleNode& view = *id->items[5];
    if (view.kind != Kind::kTuple || view.items.size() != 3 || view.items[1]->kind != Kind::kInt ||
        view.items[2]->kind != Kind::kInt) {
      fail("a view of a storage without offset and size");
    }
    keep(storage, {view.items[1], view.items[2]});
  }

  void call() {
    const PickleNode* arguments = pop();
    const PickleNode* callee = pop();
    if (arguments->kind != Kind::kTuple) fail("a call without arguments");
    make_object(callee, arguments->items);
  }

  void make_object(const PickleNode* callee, const std::vector<const PickleNode*>& given) {
    const std::string_view name = callee->kind == Kind::kGlobal ? callee->text : callee->type;
    switch (callee->kind == Kind::kGlobal ? classify_global(name) : PickleClass::kOpaque) {
      case PickleClass::kTensor:
        if (given.size() < 4 || given[0]->kind != Kind::kStorage) fail("a tensor without a storage");
        keep(push(Kind::kTensor), {given.begin(), given.begin() + 4});
        return;
      case PickleClass::kParameter:
        if (given.empty() || given[0]->kind != Kind::kTensor) fail("a parameter without a tensor");
        keep(push(Kind::kTensor), given[0]->items);
        return;
      case PickleClass::kTypedTensor:
        if (given.size() < 3 || given[0]->kind != Kind::kGlobal || given[2]->kind != Kind::kTuple ||
            classify_global(given[0]->text) == PickleClass::kTypedTensor) {
          fail("a tensor without its parts");
        }
        make_object(given[0], given[2]->items);
        return;
      case PickleClass::kOrderedDict: {
        PickleNode* dict = push(Kind::kDict);
        if (given.empty()) return;
        charge(2 * given[0]->items.size());
        for (const PickleNode* pair : given[0]->items) {
          if (pair->items.size() != 2) fail("a key without a value");
          dict->members.emplace_back(pair->items[0], pair->items[1]);
        }
        return;
      }
      default: {
        PickleNode* object = push(Kind::kObject);
        object->type = name;
        keep(object, given);
      }
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
  size_t references_ = 0;
  PickleNode* none_ = nullptr;
  PickleNode* true_ = nullptr;
  PickleNode* false_ = nullptr;
  PickleNode* empty_tuple_ = nullptr;
  std::array<PickleNode*, 256> small_{};
};

// Opcodes as in CPython's Lib/pickle.py: scalars first, the others in the two functions below.
void PickleReader::step(uint8_t opcode) {
  switch (opcode) {
    case 'N':
      push_shared(none_, Kind::kNone);
      return;
    case 0x88:
      push_shared(true_, Kind::kBool, 1);
      return;  // NEWTRUE
    case 0x89:
      push_shared(false_, Kind::kBool, 0);
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
      push_shared(empty_tuple_, Kind::kTuple);
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
      if (marks_.size() >= kMostStacked) fail("over " + std::to_string(kMostStacked) + " open marks");
      marks_.push_back(stack_.size());
      return;
    case 't':
    case 'l':
    case 0x91: {  // FROZENSET
      auto items = pop_to_mark();
      keep(push(opcode == 't' ? Kind::kTuple : Kind::kList), std::move(items));
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
      push_node(top());
      return;
    case 'c': {
      const std::string_view module = line();
      push_global(module, line());
      return;
    }
    case 0x93: {  // STACK_GLOBAL
      const PickleNode* name = pop();
      const PickleNode* module = pop();
      if (module->kind != Kind::kString || name->kind != Kind::kString) fail("a class without a name");
      push_global(module->text, name->text);
      return;
    }
    case 'Q':
      push_storage();
      return;
    case 'R':
    case 0x81:
      call();
      return;     // NEWOBJ
    case 0x92: {  // NEWOBJ_EX
      pop();      // its named arguments
      call();
      return;
    }
    case 'b':
      pop();  // an object's attributes: nothing that is read here has any
      top();
      return;
    default:
      fail("opcode " + std::to_string(opcode));
  }
}

}  // namespace

PickleDocument read_pickle(std::shared_ptr<const std::string> bytes, size_t begin, const std::string& path) {
  return PickleReader(std::move(bytes), begin, path).read();
}

PickleDocument read_pickle(std::string bytes, const std::string& path) {
  return read_pickle(std::make_shared<const std::string>(std::move(bytes)), 0, path);
}

}  // namespace grapnel::runner
