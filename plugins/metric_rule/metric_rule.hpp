// Whether more or less of a metric is better, told from its name as MMEngine tells it.
#pragma once

#include <cctype>
#include <optional>
#include <string>
#include <vector>

namespace grapnel {

enum class MetricRule { kGreater, kLess };

inline const char* rule_name(MetricRule rule) { return rule == MetricRule::kGreater ? "greater" : "less"; }

// False for a score that is not a number.
inline bool is_better(MetricRule rule, double score, double than) {
  return rule == MetricRule::kGreater ? score > than : score < than;
}

struct MetricKeys {
  std::vector<std::string> greater = {"acc", "top",   "AR@",  "auc",  "precision",
                                      "mAP", "mDice", "mIoU", "mAcc", "aAcc"};
  std::vector<std::string> less = {"loss"};
};

// A key that equals one of the words wins over one that contains it, and 'greater' over 'less'; case does not
// count. Empty when nothing fits.
inline std::optional<MetricRule> infer_rule(const std::string& metric, const MetricKeys& keys = {}) {
  const auto lower = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  const std::string name = lower(metric);
  const auto any = [&](const std::vector<std::string>& words, bool whole) {
    for (const auto& word : words) {
      const std::string small = lower(word);
      if (whole ? name == small : name.find(small) != std::string::npos) return true;
    }
    return false;
  };
  for (const bool whole : {true, false}) {
    if (any(keys.greater, whole)) return MetricRule::kGreater;
    if (any(keys.less, whole)) return MetricRule::kLess;
  }
  return {};
}

}  // namespace grapnel
