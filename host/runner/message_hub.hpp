// The message hub: scalars with their history, and texts, shared by everything in a run.
//
// After MMEngine's MessageHub and HistoryBuffer: a history keeps its newest values up to a limit, and every
// statistic is asked for over a window of the last updates. No LibTorch in here.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace grapnel::runner {

class ScalarHistory {
 public:
  static constexpr size_t kMaxLength = 10000;
  void update(double value);
  double current() const;  // of an empty history: NaN, like every statistic below
  double mean(size_t window = 0) const;
  double min(size_t window = 0) const;
  double max(size_t window = 0) const;
  uint64_t update_count() const { return update_count_; }
  const std::deque<double>& values() const { return values_; }
  void restore(std::deque<double> values, uint64_t update_count);

 private:
  std::deque<double> values_;
  uint64_t update_count_ = 0;
};

class MessageHub {
 public:
  void update_scalar(const std::string& key, double value);
  const ScalarHistory* scalar(const std::string& key) const;  // null: no such scalar
  const std::vector<std::string>& scalar_keys() const { return order_; }  // in order of first update
  void set_text(const std::string& key, std::string text) { texts_[key] = std::move(text); }
  const std::string* text(const std::string& key) const;
  const std::map<std::string, std::string>& texts() const { return texts_; }
  void restore_scalar(const std::string& key, std::deque<double> values, uint64_t update_count);

 private:
  std::map<std::string, ScalarHistory> scalars_;
  std::vector<std::string> order_;
  std::map<std::string, std::string> texts_;
};

}  // namespace grapnel::runner
