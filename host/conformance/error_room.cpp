#include "conformance/error_room.hpp"

#include <algorithm>
#include <cstring>

namespace grapnel::conformance {
namespace {

constexpr size_t kFence = 256;
constexpr char kCanary = '\x5a', kFiller = '\x7f';

}  // namespace

ErrorRoom::ErrorRoom(const Treatment& treatment, const char* call)
    : treatment_(treatment), size_(treatment.error_capacity) {
  const bool is_fenced = treatment.checks_error_buffers;
  bytes_.assign(kFence + size_ + kFence, is_fenced ? kCanary : '\0');
  if (is_fenced) std::fill_n(bytes_.begin() + kFence, size_, kFiller);
  text_ = size_ > 0 ? bytes_.data() + kFence : nullptr;
  PageLender* lender = treatment.lender;
  if (lender != nullptr && text_ != nullptr)
    text_ = static_cast<char*>(lender->lend(text_, size_, Access::kWrite, "the error's text", call));
  room_ = longer(grapnel_error{sizeof(grapnel_error), GRAPNEL_STATUS_OK, text_, size_});
  if (treatment.is_newer) room_.known.struct_size = sizeof room_;
  error_ = &room_.known;
  if (lender != nullptr) {
    error_ = static_cast<grapnel_error*>(
        lender->lend(&room_, sizeof room_, Access::kWrite, "the error struct", call));
  }
}

CallResult ErrorRoom::result(grapnel_status status) const {
  CallResult result;
  result.status = status;
  result.buffer_problem = treatment_.checks_error_buffers ? problem(status) : "";
  const size_t length = text_ != nullptr ? ::strnlen(text_, size_) : 0;
  const bool untouched = treatment_.checks_error_buffers && length > 0 && text_[0] == kFiller;
  if (status != GRAPNEL_STATUS_OK && !untouched) result.message.assign(text_ ? text_ : "", length);
  result.is_silent = status != GRAPNEL_STATUS_OK && size_ > 1 && result.message.empty();
  return result;
}

std::string ErrorRoom::problem(grapnel_status status) const {
  const auto is_canary = [](char c) { return c == kCanary; };
  const std::string room = "the room of " + std::to_string(size_) + " bytes";
  if (!std::all_of(bytes_.begin() + static_cast<std::ptrdiff_t>(kFence + size_), bytes_.end(), is_canary))
    return "it wrote beyond " + room + " for its message";
  if (!std::all_of(bytes_.begin(), bytes_.begin() + kFence, is_canary))
    return "it wrote before " + room + " for its message";
  if (error_->text != text_ || error_->capacity != size_) return "it changed the error's text or capacity";
  if (status == GRAPNEL_STATUS_OK) {
    if (error_->code != GRAPNEL_STATUS_OK)
      return "it returned OK, but left the code " + std::to_string(error_->code) + " in the error";
    return {};
  }
  if (error_->code == GRAPNEL_STATUS_OK) {
    return "it returned status " + std::to_string(status) + ", but left the error's code at OK";
  }
  if (size_ == 0 || text_[0] == kFiller) return {};  // silence is told apart
  if (std::memchr(text_, '\0', size_) == nullptr) return "its message in " + room + " has no NUL";
  return {};
}

}  // namespace grapnel::conformance
