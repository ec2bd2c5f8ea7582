// EMAHook against YOLOX's ramp and MMEngine's rules: what is averaged when, where the averages are shown,
// what a checkpoint holds of them, and that the layout of a tensor in memory makes no difference.
#include "../../plugins/EMAHook/averaged_tensor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "shipped_hook.hpp"

using grapnel::ema::AveragedTensor;
using grapnel::testing::CallResult;
using grapnel::testing::ShippedHookHost;
using grapnel::testing::SavedState;
using grapnel::testing::PlainTensor;
using grapnel::testing::Options;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

using Values = std::vector<double>;

// "t": 1 - share of the new weights, as Megvii YOLOX at 6ddff48 gives it for decay 0.9998.
std::map<int64_t, double> golden_decays() {
  std::ifstream file(std::string(GRAPNEL_SOURCE_DIR) + "/tests/golden/yolox/ema_decay_.9998.json");
  std::stringstream text;
  text << file.rdbuf();
  const std::string json = text.str();
  std::map<int64_t, double> decays;
  for (size_t at = json.find('"'); at != std::string::npos; at = json.find('"', at + 1)) {
    const int64_t t = std::strtoll(json.c_str() + at + 1, nullptr, 10);
    at = json.find(':', at);
    decays[t] = std::strtod(json.c_str() + at + 1, nullptr);
  }
  return decays;
}

void prepare(ShippedHookHost& host, double weight = 0) {
  host.state.max_epochs = 10;
  host.state.max_iters = 100000;
  host.state.train_epoch_length = 10000;
  host.parameters = {{"head.weight", PlainTensor::doubles({weight}), 0, true}};
}

// What the model shows of its first parameter.
double weight_of(const ShippedHookHost& host) { return host.parameters[0].tensor.values()[0]; }

// An iteration whose optimiser step gave this weight.
void step(ShippedHookHost& host, double weight) {
  host.parameters[0].tensor.set(0, weight);
  const CallResult result = host.call("after_train_iter");
  EXPECT_TRUE(result) << result;
  ++host.state.iter;
  host.state.epoch = host.state.iter / host.state.train_epoch_length;
}

double average_of(ShippedHookHost& host) {
  EXPECT_TRUE(host.call("before_val_epoch"));
  const double average = weight_of(host);
  EXPECT_TRUE(host.call("after_val_epoch"));
  return average;
}

// ---- how the average runs ------------------------------------------------------------------------------

TEST(EMAHook, ExpMomentumEMAHasYoloxRamp) {
  const auto golden = golden_decays();
  ASSERT_EQ(golden.size(), 9u);
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("EMAHook", {{"ema_type", "\"ExpMomentumEMA\""}}));
  ASSERT_TRUE(host.call("before_train"));
  for (int64_t t = 1; t <= golden.rbegin()->first; ++t) {
    if (golden.count(t) == 0) {
      step(host, 1);
      continue;
    }
    const double before = average_of(host);
    step(host, before + 1);
    EXPECT_NEAR(1 - (average_of(host) - before), golden.at(t), 1e-12) << "update " << t;
  }
}

TEST(EMAHook, GammaAndMomentumShapeTheRamp) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(
      host.load("EMAHook", {{"ema_type", "\"ExpMomentumEMA\""}, {"gamma", "10"}, {"momentum", "0.1"}}));
  ASSERT_TRUE(host.call("before_train"));
  for (int t = 1; t <= 40; ++t) {
    const double before = average_of(host);
    step(host, before + 1);
    EXPECT_NEAR(average_of(host) - before, 0.1 + 0.9 * std::exp(-t / 10.0), 1e-12) << t;
  }
}

TEST(EMAHook, ExponentialMovingAverageTakesTheFirstWeightsAsTheyAre) {
  ShippedHookHost host;
  prepare(host, 100);
  ASSERT_TRUE(host.load("EMAHook", {{"momentum", "0.25"}}));
  ASSERT_TRUE(host.call("before_train"));
  step(host, 8);
  EXPECT_EQ(average_of(host), 8);
  step(host, 4);
  EXPECT_EQ(average_of(host), 7);
  step(host, 7);
  EXPECT_EQ(average_of(host), 7);
  EXPECT_EQ(weight_of(host), 7);
}

TEST(EMAHook, TheDefaultMomentumIsSmall) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("EMAHook"));
  ASSERT_TRUE(host.call("before_train"));
  step(host, 0);
  step(host, 1);
  EXPECT_NEAR(average_of(host), 0.0002, 1e-15);
}

TEST(EMAHook, IntervalLeavesIterationsOut) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("EMAHook", {{"momentum", "0.5"}, {"interval", "3"}}));
  ASSERT_TRUE(host.call("before_train"));
  Values seen;
  for (const double weight : {8, 1, 1, 0, 1, 1, 0}) {
    step(host, weight);
    seen.push_back(average_of(host));
  }
  EXPECT_THAT(seen, ElementsAre(8, 8, 8, 4, 4, 4, 2));
}

TEST(EMAHook, FollowsTheWeightsUntilBeginIter) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("EMAHook", {{"momentum", "0.5"}, {"begin_iter", "3"}}));
  ASSERT_TRUE(host.call("before_train"));
  Values seen;
  for (const double weight : {5, 6, 8, 0, 0}) {
    step(host, weight);
    seen.push_back(average_of(host));
  }
  EXPECT_THAT(seen, ElementsAre(5, 6, 8, 4, 2));
}

TEST(EMAHook, FollowsTheWeightsUntilBeginEpoch) {
  ShippedHookHost host;
  prepare(host);
  host.state.train_epoch_length = 2;
  ASSERT_TRUE(host.load("EMAHook", {{"momentum", "0.5"}, {"begin_epoch", "2"}}));
  ASSERT_TRUE(host.call("before_train"));
  Values seen;
  for (const double weight : {5, 6, 8, 0, 0}) {
    step(host, weight);
    seen.push_back(average_of(host));
  }
  EXPECT_THAT(seen, ElementsAre(5, 6, 8, 4, 2));
}

// ---- what is averaged and where it is shown ------------------------------------------------------------

TEST(EMAHook, ShowsTheAverageInValidationsAndTests) {
  for (const std::string mode : {"val", "test"}) {
    ShippedHookHost host;
    prepare(host);
    ASSERT_TRUE(host.load("EMAHook", {{"momentum", "0.5"}}));
    ASSERT_TRUE(host.call("before_train"));
    step(host, 8);
    step(host, 0);
    EXPECT_TRUE(host.call("before_" + mode + "_epoch"));
    EXPECT_EQ(weight_of(host), 4) << mode;
    EXPECT_TRUE(host.call("after_" + mode + "_epoch"));
    EXPECT_EQ(weight_of(host), 0) << mode;
  }
}

TEST(EMAHook, ARunWithoutTrainingIsLeftAlone) {
  ShippedHookHost host;
  prepare(host, 3);
  ASSERT_TRUE(host.load("EMAHook"));
  EXPECT_TRUE(host.call("before_test_epoch"));
  EXPECT_EQ(weight_of(host), 3);
  EXPECT_TRUE(host.call("after_test_epoch"));
  EXPECT_EQ(weight_of(host), 3);
}

TEST(EMAHook, PutsTheWeightsBackWhenAnEvaluationIsCutShort) {
  for (const char* end : {"on_exception", "on_interrupt", "after_run"}) {
    ShippedHookHost host;
    prepare(host);
    ASSERT_TRUE(host.load("EMAHook", {{"momentum", "0.5"}}));
    ASSERT_TRUE(host.call("before_train"));
    step(host, 8);
    step(host, 0);
    ASSERT_TRUE(host.call("before_val_epoch"));
    EXPECT_TRUE(host.call(end, "the reason"));
    EXPECT_EQ(weight_of(host), 0) << end;
    EXPECT_TRUE(host.call("after_run"));
    EXPECT_EQ(weight_of(host), 0) << end;
  }
}

TEST(EMAHook, UpdateBuffersAveragesTheFloatOnes) {
  for (const bool update : {false, true}) {
    ShippedHookHost host;
    prepare(host);
    host.buffers = {{"bn.running_mean", PlainTensor::floats({8}), 0, false},
                    {"bn.num_batches_tracked", PlainTensor::integers({1}), 0, false}};
    ASSERT_TRUE(
        host.load("EMAHook", {{"momentum", "0.5"}, {"update_buffers", update ? "true" : "false"}}));
    ASSERT_TRUE(host.call("before_train"));
    step(host, 8);
    host.buffers[0].tensor.set(0, 0);
    host.buffers[1].tensor.set(0, 2);
    step(host, 0);
    ASSERT_TRUE(host.call("before_val_epoch"));
    EXPECT_EQ(weight_of(host), 4);
    EXPECT_EQ(host.buffers[0].tensor.values()[0], update ? 4 : 0);
    EXPECT_EQ(host.buffers[1].tensor.values()[0], 2) << "a count has no average";
    ASSERT_TRUE(host.call("after_val_epoch"));
    EXPECT_EQ(host.buffers[0].tensor.values()[0], 0);
  }
}

TEST(EMAHook, ALayoutMakesNoDifference) {
  const std::vector<float> weights = {1, -2, 3.5f, 4, 0.1f, 6};
  ShippedHookHost host;
  prepare(host);
  host.parameters = {{"a", PlainTensor::floats(weights, {2, 3}), 0, true},
                     {"b", PlainTensor::floats(weights, {2, 3}).column_major(5), 0, true},
                     {"c", PlainTensor::floats(weights, {2, 3}), 0, true}};
  ASSERT_TRUE(host.load("EMAHook", {{"momentum", "0.3"}}));
  ASSERT_TRUE(host.call("before_train"));
  for (int i = 0; i < 6; ++i) {
    // A model may change to another layout between two steps.
    if (i == 3) host.parameters[2].tensor = host.parameters[2].tensor.column_major(2);
    for (auto& parameter : host.parameters) {
      for (size_t k = 0; k < weights.size(); ++k) {
        parameter.tensor.set(k, weights[k] * static_cast<float>(i + 1));
      }
    }
    ASSERT_TRUE(host.call("after_train_iter"));
    ++host.state.iter;
  }
  const Values trained = host.parameters[0].tensor.values();
  ASSERT_TRUE(host.call("before_val_epoch"));
  const Values average = host.parameters[0].tensor.values();
  EXPECT_NE(average, trained);
  EXPECT_EQ(host.parameters[1].tensor.values(), average);
  EXPECT_EQ(host.parameters[2].tensor.values(), average);
  SavedState state;
  ASSERT_TRUE(host.save_state(state));
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(state.tensors.at(name).values(), trained) << name;
  ASSERT_TRUE(host.call("after_val_epoch"));
  for (const auto& parameter : host.parameters) EXPECT_EQ(parameter.tensor.values(), trained);
}

// ---- checkpoints ---------------------------------------------------------------------------------------

// A run of ten weights, cut in two after the first `first` of them if that is not ten; the last average.
struct Weights {
  double trained = 0;
  double average = 0;
};

Weights train_in_two(int first, const Options& options, bool by_signal) {
  const auto weight_at = [](int i) { return std::sin(i * 1.7) * 3; };
  SavedState state;
  double file_weight = 0;
  {
    ShippedHookHost host;
    prepare(host);
    EXPECT_TRUE(host.load("EMAHook", options));
    EXPECT_TRUE(host.call("before_train"));
    for (int i = 0; i < first; ++i) step(host, weight_at(i));
    const double average = average_of(host);
    if (by_signal) {  // the state before a validation, without the points of a save
      file_weight = weight_of(host);
      EXPECT_TRUE(host.save_state(state));
      EXPECT_EQ(state.tensors.at("head.weight").values()[0], average);
    } else {
      EXPECT_TRUE(host.call("before_save_checkpoint"));
      file_weight = weight_of(host);
      EXPECT_EQ(file_weight, average) << "a checkpoint holds the averages";
      EXPECT_TRUE(host.save_state(state));
      EXPECT_EQ(state.tensors.at("head.weight").values()[0], weight_at(first - 1));
      EXPECT_TRUE(host.call("after_save_checkpoint"));
    }
    EXPECT_EQ(weight_of(host), weight_at(first - 1));
  }
  ShippedHookHost host;
  prepare(host, file_weight);
  host.state.iter = first;
  EXPECT_TRUE(host.load("EMAHook", options));
  EXPECT_TRUE(host.load_state(state));
  EXPECT_EQ(weight_of(host), weight_at(first - 1)) << "training goes on with the training weights";
  EXPECT_TRUE(host.call("before_train"));
  for (int i = first; i < 10; ++i) step(host, weight_at(i));
  Weights last{weight_of(host), 0};
  last.average = average_of(host);
  return last;
}

TEST(EMAHook, AResumeGoesOnAsIfNothingHadHappened) {
  for (const Options& options : {Options{{"momentum", "0.3"}},
                                 Options{{"ema_type", "\"ExpMomentumEMA\""}, {"gamma", "5"}},
                                 Options{{"momentum", "0.3"}, {"interval", "4"}}}) {
    const Weights whole = train_in_two(10, options, false);
    for (const int first : {1, 2, 5, 9}) {
      for (const bool by_signal : {false, true}) {
        const Weights resumed = train_in_two(first, options, by_signal);
        EXPECT_EQ(resumed.average, whole.average) << "cut after " << first << ", by signal " << by_signal;
        EXPECT_EQ(resumed.trained, whole.trained);
      }
    }
  }
}

TEST(EMAHook, ASaveWithinAnEvaluationLeavesTheAveragesShown) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("EMAHook", {{"momentum", "0.5"}}));
  ASSERT_TRUE(host.call("before_train"));
  step(host, 8);
  step(host, 0);
  ASSERT_TRUE(host.call("before_val_epoch"));
  ASSERT_TRUE(host.call("before_save_checkpoint"));
  EXPECT_EQ(weight_of(host), 4);
  ASSERT_TRUE(host.call("after_save_checkpoint"));
  EXPECT_EQ(weight_of(host), 4);
  ASSERT_TRUE(host.call("after_val_epoch"));
  EXPECT_EQ(weight_of(host), 0);
}

TEST(EMAHook, AnErrorInASavePutsTheWeightsBack) {
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("EMAHook", {{"momentum", "0.5"}}));
  ASSERT_TRUE(host.call("before_train"));
  step(host, 8);
  step(host, 0);
  ASSERT_TRUE(host.call("before_save_checkpoint"));
  ASSERT_TRUE(host.call("on_exception", "the disk is full"));
  EXPECT_EQ(weight_of(host), 0);
  ASSERT_TRUE(host.call("after_save_checkpoint"));
  EXPECT_EQ(weight_of(host), 0);
}

SavedState state_of(const std::vector<std::string>& names) {
  ShippedHookHost host;
  prepare(host);
  host.parameters.clear();
  for (const auto& name : names) host.parameters.push_back({name, PlainTensor::doubles({1, 2}), 0, true});
  EXPECT_TRUE(host.load("EMAHook"));
  EXPECT_TRUE(host.call("before_train"));
  SavedState state;
  EXPECT_TRUE(host.save_state(state));
  return state;
}

TEST(EMAHook, StrictLoadWantsExactlyTheModelsTensors) {
  for (const std::vector<std::string>& saved : {std::vector<std::string>{"a"}, {"a", "b", "c"}}) {
    for (const bool strict : {false, true}) {
      SavedState state = state_of(saved);
      ShippedHookHost host;
      prepare(host);
      host.parameters = {{"a", PlainTensor::doubles({0, 0}), 0, true},
                         {"b", PlainTensor::doubles({5, 6}), 0, true}};
      ASSERT_TRUE(host.load("EMAHook", {{"strict_load", strict ? "true" : "false"}}));
      const CallResult result = host.load_state(state);
      EXPECT_EQ(result.ok(), !strict) << saved.size() << ": " << result;
      if (strict) {
        EXPECT_THAT(result.message, HasSubstr(saved.size() == 1 ? "'b'" : "3 tensors"));
      }
    }
  }
  SavedState state = state_of({"a", "b"});
  ShippedHookHost host;
  prepare(host);
  host.parameters = {{"a", PlainTensor::doubles({0, 0}), 0, true},
                     {"b", PlainTensor::doubles({0, 0}), 0, true}};
  ASSERT_TRUE(host.load("EMAHook", {{"strict_load", "true"}}));
  EXPECT_TRUE(host.load_state(state));
}

TEST(EMAHook, RefusesAStateOfAnotherShapeOrType) {
  for (const PlainTensor& other : {PlainTensor::doubles({0, 0, 0}), PlainTensor::floats({0, 0}),
                                  PlainTensor::doubles({0, 0}, {2, 1})}) {
    SavedState state = state_of({"a"});
    ShippedHookHost host;
    prepare(host);
    host.parameters = {{"a", other, 0, true}};
    ASSERT_TRUE(host.load("EMAHook"));
    const CallResult result = host.load_state(state);
    EXPECT_FALSE(result);
    EXPECT_THAT(result.message, HasSubstr("'a' has another shape or type"));
  }
}

TEST(EMAHook, RefusesADamagedState) {
  SavedState state = state_of({"a"});
  state.bytes.resize(state.bytes.size() - 1);
  ShippedHookHost host;
  prepare(host);
  ASSERT_TRUE(host.load("EMAHook"));
  EXPECT_FALSE(host.load_state(state));
  state = state_of({"a"});
  for (size_t i = 0; i < 8; ++i) state.bytes[i] = 0xff;  // -1 steps
  const CallResult result = host.load_state(state);
  EXPECT_FALSE(result);
  EXPECT_THAT(result.message, HasSubstr("damaged"));
}

// ---- options -------------------------------------------------------------------------------------------

TEST(EMAHook, RefusesWrongOptionsAndNamesThem) {
  struct Case {
    Options options;
    const char* text;
  };
  const Case cases[] = {{{{"ema_type", "\"StochasticWeightAverage\""}}, "ema_type"},
                        {{{"momentum", "0"}}, "momentum"},
                        {{{"momentum", "1"}}, "momentum"},
                        {{{"gamma", "0"}}, "gamma"},
                        {{{"interval", "0"}}, "interval"},
                        {{{"begin_iter", "-1"}}, "begin_iter"},
                        {{{"begin_epoch", "-1"}}, "begin_epoch"},
                        {{{"begin_iter", "2"}, {"begin_epoch", "2"}}, "cannot both be set"},
                        {{{"decay", "0.9"}}, "decay"}};
  for (const Case& row : cases) {
    const CallResult result = ShippedHookHost().load("EMAHook", row.options);
    EXPECT_FALSE(result) << row.text;
    EXPECT_THAT(result.message, HasSubstr(row.text));
  }
}

TEST(EMAHook, RefusesABeginBehindTheEndOfTheRun) {
  for (const char* option : {"begin_iter", "begin_epoch"}) {
    ShippedHookHost host;
    prepare(host);
    ASSERT_TRUE(host.load("EMAHook", {{option, "100001"}}));
    const CallResult result = host.call("before_train");
    EXPECT_FALSE(result);
    EXPECT_THAT(result.message, HasSubstr(option));
  }
}

TEST(EMAHook, WarnsOfAMomentumThatLooksLikeADecay) {
  for (const auto& [momentum, warnings] : std::map<std::string, size_t>{{"0.9998", 1}, {"0.5", 0}}) {
    ShippedHookHost host;
    ASSERT_TRUE(host.load("EMAHook", {{"momentum", momentum}}));
    EXPECT_EQ(host.log_lines("momentum = " + momentum, GRAPNEL_LOG_WARNING).size(), warnings);
  }
}

// ---- one tensor ----------------------------------------------------------------------------------------

// A 2 x 2 window of floats in rows of three, as a slice is.
struct Window {
  explicit Window(std::vector<float> six) : storage(std::move(six)) {}
  grapnel_tensor view() {
    return {storage.data(), {GRAPNEL_DEVICE_CPU, 0}, 2, {GRAPNEL_DTYPE_FLOAT, 32, 1}, shape, strides, 4};
  }
  std::vector<float> storage;
  int64_t shape[2] = {2, 2};
  int64_t strides[2] = {3, 1};
};

TEST(AveragedTensor, LeavesTheGapsOfASliceAlone) {
  Window window({9, 1, 2, 9, 3, 4});
  AveragedTensor average("w", window.view());
  window.storage = {9, 5, 6, 9, 7, 8};
  average.update(window.view(), 0.25);
  average.swap_with(window.view());
  EXPECT_THAT(window.storage, ElementsAre(9, 2, 3, 9, 4, 5));
  EXPECT_THAT(PlainTensor::copy_of(average.contiguous()).values(), ElementsAre(5, 6, 7, 8));
  average.swap_with(window.view());
  EXPECT_THAT(window.storage, ElementsAre(9, 5, 6, 9, 7, 8));
  average.copy_from(window.view());
  EXPECT_THAT(PlainTensor::copy_of(average.contiguous()).values(), ElementsAre(5, 6, 7, 8));
}

TEST(AveragedTensor, FollowsATensorFromASliceToItsOwnMemory) {
  Window window({9, 1, 2, 9, 3, 4});
  AveragedTensor average("w", window.view());
  PlainTensor own = PlainTensor::floats({5, 6, 7, 8}, {2, 2}).column_major();
  average.update(own.view(), 0.5);
  EXPECT_THAT(PlainTensor::copy_of(average.contiguous()).values(), ElementsAre(3, 4, 5, 6));
}

TEST(AveragedTensor, TakesNoOtherShape) {
  PlainTensor first = PlainTensor::floats({1, 2, 3, 4}, {2, 2});
  AveragedTensor average("w", first.view());
  PlainTensor other = PlainTensor::floats({1, 2, 3, 4}, {4, 1});
  EXPECT_THROW(average.update(other.view(), 0.5), grapnel::Error);
  PlainTensor wide = PlainTensor::doubles({1, 2, 3, 4}, {2, 2});
  EXPECT_THROW(average.swap_with(wide.view()), grapnel::Error);
}

TEST(AveragedTensor, NamesATensorThatCannotBeAveraged) {
  Window window({9, 1, 2, 9, 3, 4});
  grapnel_tensor half = window.view();
  half.dtype.bits = 16;
  grapnel_tensor elsewhere = window.view();
  elsewhere.device.type = GRAPNEL_DEVICE_CUDA;
  for (const grapnel_tensor& view : {half, elsewhere}) {
    try {
      AveragedTensor average("head.weight", view);
      ADD_FAILURE() << "it was taken";
    } catch (const grapnel::Error& error) {
      EXPECT_EQ(error.status(), GRAPNEL_STATUS_UNSUPPORTED);
      EXPECT_THAT(error.what(), HasSubstr("'head.weight'"));
    }
  }
}

TEST(AveragedTensor, TakesNumbersAndEmptyTensors) {
  PlainTensor number = PlainTensor::scalar(2);
  AveragedTensor average("w", number.view());
  number.set(0, 4);
  average.update(number.view(), 0.5);
  EXPECT_THAT(PlainTensor::copy_of(average.contiguous()).values(), ElementsAre(3));
  PlainTensor nothing = PlainTensor::floats({}, {0, 3});
  AveragedTensor empty("e", nothing.view());
  empty.update(nothing.view(), 0.5);
  empty.swap_with(nothing.view());
  EXPECT_THAT(PlainTensor::copy_of(empty.contiguous()).values(), IsEmpty());
}

}  // namespace
