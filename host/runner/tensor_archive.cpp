#include "runner/tensor_archive.hpp"

#include <caffe2/serialize/inline_container.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <limits>
#include <utility>

#include "core/atomic_file.hpp"
#include "core/failure.hpp"
#include "runner/pickle_reader.hpp"

namespace grapnel::runner {
namespace {

struct StorageType {
  const char* name;
  c10::ScalarType dtype;
};
constexpr std::array<StorageType, 12> kStorageTypes = {{
    {"FloatStorage", c10::kFloat},
    {"DoubleStorage", c10::kDouble},
    {"HalfStorage", c10::kHalf},
    {"BFloat16Storage", c10::kBFloat16},
    {"LongStorage", c10::kLong},
    {"IntStorage", c10::kInt},
    {"ShortStorage", c10::kShort},
    {"CharStorage", c10::kChar},
    {"ByteStorage", c10::kByte},
    {"BoolStorage", c10::kBool},
    {"ComplexFloatStorage", c10::kComplexFloat},
    {"ComplexDoubleStorage", c10::kComplexDouble},
}};

const char* storage_type(c10::ScalarType dtype) {
  for (const StorageType& type : kStorageTypes) {
    if (type.dtype == dtype) return type.name;
  }
  throw Failure(FailureKind::kRun, {"a tensor of this dtype cannot be stored in a checkpoint", "",
                                    c10::toString(dtype), "", ""});
}

std::string record_name(size_t tensor) { return "data/" + std::to_string(tensor); }

std::string reason(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  return torch_error ? torch_error->what_without_backtrace() : error.what();
}

__extension__ typedef __int128 Wide;  // no product of sizes and strides overflows it

// The elements that a strided view reaches from its first one on, or -1 when sizes and strides make no sense.
int64_t reach(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides) {
  Wide last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0 || strides[i] < 0) return -1;
    if (sizes[i] == 0) return 0;
    last += static_cast<Wide>(sizes[i] - 1) * strides[i];
    if (last >= std::numeric_limits<int64_t>::max()) return -1;
  }
  return static_cast<int64_t>(last) + 1;
}

}  // namespace

void TensorArchiveWriter::tensor(const torch::Tensor& tensor) {
  if (!tensor.defined()) return pickle_.none();
  pickle_.tensor(storage_type(tensor.scalar_type()), std::to_string(tensors_.size()), tensor.sizes().vec());
  tensors_.push_back(tensor.detach());
}

void TensorArchiveWriter::number(double value) { tensor(torch::tensor(value, torch::kFloat64)); }

void TensorArchiveWriter::bytes(const void* data, size_t size) {
  torch::Tensor copy = torch::empty({static_cast<int64_t>(size)}, torch::kUInt8);
  if (size > 0) std::memcpy(copy.data_ptr(), data, size);
  tensor(copy);
}

void TensorArchiveWriter::write(const std::string& path) {
  const std::string pickle = pickle_.finish();
  AtomicFile file(path);
  // The stream writer's destructor ends the file and would throw again while an exception is on its way: it
  // never hears of a failed write, and the file is given up afterwards.
  std::exception_ptr failed;
  caffe2::serialize::PyTorchStreamWriter archive([&](const void* data, size_t size) {
    if (failed) return size;
    try {
      file.write(data, size);
    } catch (...) {
      failed = std::current_exception();
    }
    return size;
  });
  archive.writeRecord("data.pkl", pickle.data(), pickle.size());
  for (size_t i = 0; i < tensors_.size() && !failed; ++i) {
    const torch::Tensor dense = tensors_[i].cpu().contiguous();
    archive.writeRecord(record_name(i), dense.data_ptr(), dense.nbytes());
  }
  archive.writeEndOfFile();
  if (failed) std::rethrow_exception(failed);
  file.commit();
}

TensorArchiveReader::TensorArchiveReader(const std::string& path) : path_(path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) fail(std::strerror(errno), "a checkpoint file");
  if (!S_ISREG(status.st_mode))
    fail(S_ISDIR(status.st_mode) ? "a folder" : "no regular file", "a checkpoint file");
  std::array<char, 2> head{};
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(std::strerror(errno), "a file that can be read");
  if (!file.read(head.data(), head.size())) fail("an empty file", "a checkpoint file");
  if (head[0] == '\x80') {
    fail("a bare pickle", "torch.save's zip format",
         "PyTorch before 1.6 wrote these: open it with a newer one and torch.save it again");
  }
  if (head[0] != 'P' || head[1] != 'K')
    fail("some other kind of file", "a checkpoint (torch.save's zip format)");

  try {
    reader_ = std::make_unique<caffe2::serialize::PyTorchStreamReader>(path);
    if (!reader_->hasRecord("data.pkl")) fail("a zip archive without data.pkl", "a checkpoint");
    const auto [pickle, size] = reader_->getRecord("data.pkl");
    document_ = read_pickle({static_cast<const char*>(pickle.get()), size}, path);
    if (reader_->hasRecord("byteorder")) {
      const auto [order, length] = reader_->getRecord("byteorder");
      if (std::string(static_cast<const char*>(order.get()), length) == "big") fail("big-endian tensors");
    }
  } catch (const Failure&) {
    throw;
  } catch (const std::exception& error) {
    fail(reason(error), "a complete checkpoint", "the file may be cut off or damaged");
  }
}

TensorArchiveReader::~TensorArchiveReader() = default;

void TensorArchiveReader::fail(std::string got, std::string expected, std::string hint) const {
  throw Failure(FailureKind::kConfig,
                {"cannot read the checkpoint", path_, std::move(got), std::move(expected), std::move(hint)});
}

at::DataPtr TensorArchiveReader::record(const std::string& name, size_t at_least_bytes) {
  try {
    auto [data, size] = reader_->getRecord(name);
    if (size < at_least_bytes) fail("a tensor with too few bytes in " + name);
    return std::move(data);
  } catch (const Failure&) {
    throw;
  } catch (const std::exception& error) {
    fail(reason(error), "a complete checkpoint", "the file may be cut off or damaged");
  }
}

torch::Tensor TensorArchiveReader::tensor(const PickleNode& node) {
  if (node.kind == PickleNode::Kind::kNone) return {};
  if (node.kind != PickleNode::Kind::kTensor) fail("something else in the place of a tensor");
  const PickleNode& storage = *node.items[0];
  const StorageType* type = nullptr;
  for (const StorageType& known : kStorageTypes) {
    if (storage.type == std::string("torch.") + known.name) type = &known;
  }
  if (type == nullptr) fail("a tensor of the unknown type " + storage.type);

  std::vector<int64_t> sizes, strides;
  for (const PickleNode* size : node.items[2]->items) sizes.push_back(size->integer);
  for (const PickleNode* stride : node.items[3]->items) strides.push_back(stride->integer);
  const int64_t offset = node.items[1]->integer;
  const int64_t elements = storage.integer;
  const auto item_bytes = static_cast<int64_t>(c10::elementSize(type->dtype));
  const int64_t reached = sizes.size() == strides.size() ? reach(sizes, strides) : -1;
  if (reached < 0 || offset < 0 || elements < 0 ||
      elements > std::numeric_limits<int64_t>::max() / item_bytes || reached > elements ||
      offset > elements - reached) {
    fail("a tensor that reaches beyond its storage " + storage.text);
  }
  // A view that repeats elements (stride 0) could ask for any amount of memory.
  Wide count = 1;
  for (const int64_t size : sizes) {
    count *= size;
    if (count > elements) fail("a tensor with more elements than its storage " + storage.text);
  }

  torch::Tensor flat;
  const auto shared = shared_storages_.find(storage.text);
  if (shared != shared_storages_.end()) {
    flat = shared->second;
  } else {
    const auto bytes = static_cast<size_t>(elements * item_bytes);
    auto data = std::make_shared<at::DataPtr>(record("data/" + storage.text, bytes));
    flat = torch::from_blob(
        data->get(), {elements}, [data](void*) {}, torch::dtype(type->dtype));
    const bool whole = offset == 0 && count == elements;
    if (!whole) shared_storages_[storage.text] = flat;
    const torch::Tensor view = flat.as_strided(sizes, strides, offset);
    if (whole && view.is_contiguous()) return view;
  }
  if (flat.scalar_type() != type->dtype || flat.numel() != elements) fail("two descriptions of one storage");
  return flat.as_strided(sizes, strides, offset).clone(at::MemoryFormat::Contiguous);
}

}  // namespace grapnel::runner
