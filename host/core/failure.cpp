#include "core/failure.hpp"

#include <utility>

namespace grapnel {

Failure::Failure(FailureKind kind, Parts parts) : kind_(kind), parts_(std::move(parts)) {
  message_ = parts_.what;
  if (!parts_.where.empty()) message_ += ": " + parts_.where;
  if (!parts_.got.empty()) message_ += ": got " + parts_.got;
  if (!parts_.expected.empty())
    message_ += (parts_.got.empty() ? ": expected " : ", expected ") + parts_.expected;
  if (!parts_.hint.empty()) message_ += " (" + parts_.hint + ")";
}

}  // namespace grapnel
