#include "runner/tensor_archive.hpp"

#include <caffe2/serialize/inline_container.h>

#include <array>
#include <cstring>
#include <exception>
#include <utility>

#include "core/atomic_file.hpp"
#include "core/failure.hpp"

namespace grapnel::runner {
namespace {

// As StoredDtype counts them.
constexpr std::array<c10::ScalarType, 12> kScalarTypes = {
    c10::kDouble, c10::kFloat, c10::kHalf, c10::kBFloat16, c10::kLong,         c10::kInt,
    c10::kShort,  c10::kChar,  c10::kByte, c10::kBool,     c10::kComplexFloat, c10::kComplexDouble};

std::string record_name(size_t tensor) { return "data/" + std::to_string(tensor); }

}  // namespace

void TensorArchiveWriter::tensor(const torch::Tensor& tensor) {
  if (!tensor.defined()) return pickle_.none();
  pickle_.tensor(dtype_info(stored_dtype(tensor.scalar_type())).storage_type, std::to_string(tensors_.size()),
                 tensor.sizes().vec());
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

TensorArchiveReader::TensorArchiveReader(const std::string& path)
    : input_(path), archive_(PickleArchive::open(input_)) {}

void TensorArchiveReader::fail(std::string got, std::string expected, std::string hint) const {
  throw Failure(FailureKind::kConfig,
                {"cannot read the checkpoint", path(), std::move(got), std::move(expected), std::move(hint)});
}

torch::Tensor TensorArchiveReader::tensor(const PickleNode& node) {
  if (node.kind == PickleNode::Kind::kNone) return {};
  return read_tensor(*archive_, archive_->describe(node));
}

std::string TensorArchiveReader::text(const PickleNode& node) const {
  input_.charge(node.text.size());
  return std::string(node.text);
}

torch::Tensor read_tensor(TensorSource& source, const StoredTensor& tensor) {
  torch::Tensor values;
  source.read(tensor, [&] {
    values = torch::empty(tensor.sizes, torch::dtype(scalar_type(tensor.dtype)));
    return values.data_ptr();
  });
  return values;
}

c10::ScalarType scalar_type(StoredDtype dtype) { return kScalarTypes[static_cast<size_t>(dtype)]; }

StoredDtype stored_dtype(c10::ScalarType dtype) {
  for (size_t i = 0; i < kScalarTypes.size(); ++i) {
    if (kScalarTypes[i] == dtype) return static_cast<StoredDtype>(i);
  }
  throw Failure(FailureKind::kRun,
                {"a tensor of this dtype cannot be stored in a file", "", c10::toString(dtype), "", ""});
}

}  // namespace grapnel::runner
