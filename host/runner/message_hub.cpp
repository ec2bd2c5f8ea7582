#include "runner/message_hub.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

namespace grapnel::runner {
namespace {

// The window's first value; a window of 0, or one longer than the history, is the whole history.
std::deque<double>::const_iterator window_begin(const std::deque<double>& values, size_t window) {
  if (window == 0 || window > values.size()) window = values.size();
  return values.end() - static_cast<std::ptrdiff_t>(window);
}

// A NaN in the window is the result: a diverged loss must not hide behind the others.
template <typename Better>
double extreme(const std::deque<double>& values, size_t window, Better better) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  auto value = window_begin(values, window);
  double best = *value;
  for (; value != values.end(); ++value) {
    if (std::isnan(*value)) return *value;
    if (better(*value, best)) best = *value;
  }
  return best;
}

}  // namespace

void ScalarHistory::update(double value) {
  values_.push_back(value);
  if (values_.size() > kMaxLength) values_.pop_front();
  ++update_count_;
}

double ScalarHistory::current() const {
  return values_.empty() ? std::numeric_limits<double>::quiet_NaN() : values_.back();
}

double ScalarHistory::mean(size_t window) const {
  if (values_.empty()) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  const auto begin = window_begin(values_, window);
  for (auto value = begin; value != values_.end(); ++value) sum += *value;
  return sum / static_cast<double>(values_.end() - begin);
}

double ScalarHistory::min(size_t window) const { return extreme(values_, window, std::less<double>()); }

double ScalarHistory::max(size_t window) const { return extreme(values_, window, std::greater<double>()); }

void ScalarHistory::restore(std::deque<double> values, uint64_t update_count) {
  values_ = std::move(values);
  while (values_.size() > kMaxLength) values_.pop_front();
  update_count_ = update_count;
}

void MessageHub::update_scalar(const std::string& key, double value) {
  const auto [entry, is_new] = scalars_.try_emplace(key);
  if (is_new) order_.push_back(key);
  entry->second.update(value);
}

const ScalarHistory* MessageHub::scalar(const std::string& key) const {
  const auto entry = scalars_.find(key);
  return entry == scalars_.end() ? nullptr : &entry->second;
}

const std::string* MessageHub::text(const std::string& key) const {
  const auto entry = texts_.find(key);
  return entry == texts_.end() ? nullptr : &entry->second;
}

void MessageHub::restore_scalar(const std::string& key, std::deque<double> values, uint64_t update_count) {
  const auto [entry, is_new] = scalars_.try_emplace(key);
  if (is_new) order_.push_back(key);
  entry->second.restore(std::move(values), update_count);
}

}  // namespace grapnel::runner
