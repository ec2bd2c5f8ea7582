// EarlyStoppingHook: MMEngine's stop in a recorded run, each option, and the count that survives a resume.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

#include "shipped_hook.hpp"

using grapnel::testing::CallResult;
using grapnel::testing::ShippedHookHost;
using grapnel::testing::SavedState;
using grapnel::testing::Options;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

CallResult validate(ShippedHookHost& host, double score) {
  host.metrics = {{"coco/bbox_mAP", score}};
  ++host.state.epoch;
  return host.call("after_val_epoch");
}

// Validations until the hook asks to stop; 0: it never does.
int validations_until_stop(const Options& options, const std::vector<double>& scores) {
  ShippedHookHost host;
  Options all = options;
  all.emplace("monitor", "\"coco/bbox_mAP\"");
  const CallResult loaded = host.load("EarlyStoppingHook", all);
  EXPECT_TRUE(loaded) << loaded;
  EXPECT_TRUE(host.call("before_train"));
  for (size_t i = 0; i < scores.size(); ++i) {
    EXPECT_TRUE(validate(host, scores[i]));
    if (!host.requests.stops.empty()) return static_cast<int>(i + 1);
  }
  return 0;
}

// The number behind "key": in a recorded run of MMEngine.
double number_behind(const std::string& json, const std::string& key) {
  const size_t at = json.find("\"" + key + "\":");
  if (at == std::string::npos) throw std::runtime_error("the trace has no " + key);
  return std::strtod(json.c_str() + at + key.size() + 3, nullptr);
}

TEST(EarlyStopping, StopsWhereMMEngineStopped) {
  std::ifstream file(std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/traces/earlystop_epoch.json");
  std::stringstream text;
  text << file.rdbuf();
  const std::string trace = text.str();
  std::vector<double> scores;
  std::istringstream numbers(trace.substr(trace.find('[', trace.find("\"metric_values\"")) + 1));
  for (double value = 0; numbers >> value; numbers.ignore()) scores.push_back(value);
  ASSERT_EQ(scores.size(), 6u);
  int validations = 0;
  const size_t end = trace.find("\"events_lowest\"");
  for (size_t at = trace.find("[\"after_val_epoch\""); at < end;
       at = trace.find("[\"after_val_epoch\"", at + 1)) {
    ++validations;
  }
  ASSERT_GT(validations, 0);
  const auto option = [&](const char* key) { return std::to_string(number_behind(trace, key)); };
  const Options options{{"rule", "\"greater\""},
                        {"min_delta", option("min_delta")},
                        {"patience", std::to_string(static_cast<int>(number_behind(trace, "patience")))}};
  EXPECT_EQ(validations_until_stop(options, scores), validations);
}

TEST(EarlyStopping, PatienceIsFiveAndMinDeltaATenthByDefault) {
  EXPECT_EQ(validations_until_stop({}, {0.5, 0.55, 0.56, 0.57, 0.58, 0.59, 0.59}), 6);
  EXPECT_EQ(validations_until_stop({}, {0.5, 0.55, 0.56, 0.57, 0.58, 0.65, 0.66}), 0);
}

TEST(EarlyStopping, ProgressStartsTheCountAgain) {
  const Options options{{"patience", "2"}, {"min_delta", "0.01"}};
  EXPECT_EQ(validations_until_stop(options, {0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.3}), 7);
}

TEST(EarlyStopping, AScoreThatEqualsBestAndDeltaIsProgress) {
  EXPECT_EQ(validations_until_stop({{"patience", "1"}, {"min_delta", "0.25"}}, {0.25, 0.5, 0.75, 0.9}), 4);
  EXPECT_EQ(validations_until_stop({{"patience", "1"}, {"min_delta", "0"}}, {0.5, 0.5, 0.5}), 0);
}

TEST(EarlyStopping, RuleLessWantsLess) {
  const Options options{{"rule", "\"less\""}, {"patience", "2"}, {"min_delta", "0.1"}};
  EXPECT_EQ(validations_until_stop(options, {0.9, 0.7, 0.5, 0.45, 0.44}), 5);
  EXPECT_EQ(validations_until_stop(options, {0.9, 0.7, 0.5, 0.45, 0.3}), 0);
}

TEST(EarlyStopping, TellsTheRuleFromTheName) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("EarlyStoppingHook", {{"monitor", "\"val_loss\""}, {"patience", "1"}}));
  ASSERT_TRUE(host.call("before_train"));
  for (const double score : {0.9, 0.7}) {
    host.metrics = {{"val_loss", score}};
    ASSERT_TRUE(host.call("after_val_epoch"));
  }
  EXPECT_THAT(host.requests.stops, IsEmpty());
  const CallResult result = ShippedHookHost().load("EarlyStoppingHook", {{"monitor", "\"wobble\""}});
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("'wobble'"));
  EXPECT_THAT(result.message, HasSubstr("set rule"));
}

TEST(EarlyStopping, StopsAtAScoreThatIsNotFinite) {
  EXPECT_EQ(validations_until_stop({}, {0.5, kNan}), 2);
  EXPECT_EQ(validations_until_stop({}, {kInf}), 1);
}

TEST(EarlyStopping, CheckFiniteFalseCountsANanAsNoProgress) {
  const Options options{{"check_finite", "false"}, {"patience", "3"}};
  EXPECT_EQ(validations_until_stop(options, {0.5, kNan, kNan, kNan}), 4);
  EXPECT_EQ(validations_until_stop(options, {kNan, kNan, 0.5, kNan}), 0);
}

TEST(EarlyStopping, StopsAboveTheThreshold) {
  const Options options{{"stopping_threshold", "0.5"}};
  EXPECT_EQ(validations_until_stop(options, {0.2, 0.4, 0.51}), 3);
  EXPECT_EQ(validations_until_stop(options, {0.2, 0.4, 0.5}), 0) << "it must be better than the threshold";
  EXPECT_EQ(validations_until_stop({{"stopping_threshold", "0.5"}, {"rule", "\"less\""}}, {0.9, 0.4}), 2);
}

TEST(EarlyStopping, TellsWhyItStops) {
  struct Case {
    Options options;
    std::vector<double> scores;
    const char* reason;
  };
  const Case cases[] = {
      {{{"patience", "2"}},
       {0.5, 0.4, 0.4},
       "did not improve in the last 2 validations, its best value was 0.5000"},
      {{}, {0.5, kNan}, "coco/bbox_mAP is nan, its best value was 0.5000"},
      {{{"stopping_threshold", "0.4"}}, {0.5}, "0.5000 is greater than the stopping threshold 0.4000"}};
  for (const Case& row : cases) {
    ShippedHookHost host;
    Options options = row.options;
    options["monitor"] = "\"coco/bbox_mAP\"";
    ASSERT_TRUE(host.load("EarlyStoppingHook", options));
    ASSERT_TRUE(host.call("before_train"));
    for (const double score : row.scores) ASSERT_TRUE(validate(host, score));
    ASSERT_EQ(host.requests.stops.size(), 1u);
    EXPECT_THAT(host.requests.stops[0], HasSubstr(row.reason));
  }
}

TEST(EarlyStopping, AnAbsentMetricIsAWarningOrWithStrictAnError) {
  for (const bool strict : {false, true}) {
    ShippedHookHost host;
    ASSERT_TRUE(host.load("EarlyStoppingHook", {{"monitor", "\"coco/bbox_mAp\""},
                                                {"patience", "1"},
                                                {"strict", strict ? "true" : "false"}}));
    ASSERT_TRUE(host.call("before_train"));
    for (int i = 0; i < 3; ++i) {
      const CallResult result = validate(host, 0.5);
      EXPECT_EQ(result.ok(), !strict);
      if (strict) {
        EXPECT_THAT(result.message, HasSubstr("did you mean 'coco/bbox_mAP'?"));
      }
    }
    EXPECT_EQ(host.log_lines("did you mean 'coco/bbox_mAP'?", GRAPNEL_LOG_WARNING).size(), strict ? 0u : 3u);
    EXPECT_THAT(host.requests.stops, IsEmpty());
  }
}

TEST(EarlyStopping, ActsInTrainingOnly) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("EarlyStoppingHook", {{"monitor", "\"coco/bbox_mAP\""}, {"patience", "1"}}));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(validate(host, kNan));
  ASSERT_TRUE(host.call("before_train"));
  ASSERT_TRUE(host.call("after_train"));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(validate(host, kNan));
  EXPECT_THAT(host.requests.stops, IsEmpty());
}

TEST(EarlyStopping, AResumeGoesOnCounting) {
  const Options options{{"monitor", "\"coco/bbox_mAP\""}, {"patience", "3"}, {"min_delta", "0.1"}};
  ShippedHookHost first;
  ASSERT_TRUE(first.load("EarlyStoppingHook", options));
  ASSERT_TRUE(first.call("before_train"));
  for (const double score : {0.5, 0.4, 0.55}) ASSERT_TRUE(validate(first, score));
  SavedState state;
  ASSERT_TRUE(first.save_state(state));
  ShippedHookHost second;
  ASSERT_TRUE(second.load("EarlyStoppingHook", options));
  ASSERT_TRUE(second.load_state(state));
  ASSERT_TRUE(second.call("before_train"));
  ASSERT_TRUE(validate(second, 0.58));
  EXPECT_EQ(second.requests.stops.size(), 1u) << "two validations before the resume and one after it";

  SavedState cut = state;
  cut.bytes.resize(9);
  EXPECT_FALSE(second.load_state(cut));
}

TEST(EarlyStopping, RunsAfterEveryOtherHook) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("EarlyStoppingHook", {{"monitor", "\"acc\""}}));
  EXPECT_EQ(host.plugin().default_priority, GRAPNEL_PRIORITY_LOWEST);
}

TEST(EarlyStopping, RefusesWrongOptionsAndNamesThem) {
  EXPECT_THAT(ShippedHookHost().load("EarlyStoppingHook").message, HasSubstr("monitor")) << "it is required";
  for (const auto& [option, value] : Options{{"rule", "\"more\""},
                                             {"min_delta", "-0.1"},
                                             {"strict", "1"},
                                             {"check_finite", "\"no\""},
                                             {"patience", "0"},
                                             {"stopping_threshold", "\"high\""},
                                             {"mode", "\"max\""}}) {
    const CallResult result =
        ShippedHookHost().load("EarlyStoppingHook", {{"monitor", "\"acc\""}, {option, value}});
    EXPECT_FALSE(result) << option;
    EXPECT_THAT(result.message, HasSubstr("options." + option + ":"));
  }
}

}  // namespace
