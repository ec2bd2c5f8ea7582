// What the other examples do, against the conformance tool's in-memory host.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <regex>
#include <sstream>

#include "conformance/in_memory_host.hpp"

namespace grapnel::test {
namespace {

namespace fs = std::filesystem;
using conformance::InMemoryHost;
using conformance::OptionTexts;
using conformance::PlainTensor;
using conformance::SavedState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class Example : public ::testing::Test {
 protected:
  Example() {
    work_dir_ = fs::path(GRAPNEL_BUILD_DIR) / "tests/examples_work" /
                ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(work_dir_);
    fs::create_directories(work_dir_);
    set_up(host_);
  }
  void set_up(InMemoryHost& host) {
    host.work_dir = work_dir_.string();
    host.state.mode = GRAPNEL_MODE_TRAIN;
    host.state.max_epochs = 4;
    host.state.max_iters = 400;
    host.state.train_epoch_length = 100;
    host.outputs = {{"loss", PlainTensor::scalar(1.0F)}};
    conformance::ParamGroup group;
    group.lr = 0.5;
    host.groups = {group};
  }
  static conformance::CallResult load(InMemoryHost& host, const std::string& type,
                                      const OptionTexts& options = {}) {
    return host.load_file(std::string(GRAPNEL_BUILD_DIR) + "/tests/examples/others/" + type + ".so", options);
  }
  std::string file_text(const std::string& name) {
    std::ifstream in(work_dir_ / name);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  fs::path work_dir_;
  InMemoryHost host_;
};

// ---- stop_file -----------------------------------------------------------------------------------------

TEST_F(Example, StopFileAsksForTheEndWhenTheFileAppears) {
  ASSERT_TRUE(load(host_, "StopFile", {{"interval", "2"}}));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(host_.train_iteration());
  EXPECT_THAT(host_.requests.stops, IsEmpty());

  std::ofstream(work_dir_ / "STOP").put('\n');
  ASSERT_TRUE(host_.train_iteration());
  EXPECT_THAT(host_.requests.stops, IsEmpty()) << "looked at an iteration between two looks";
  ASSERT_TRUE(host_.train_iteration());
  EXPECT_THAT(host_.requests.stops, ElementsAre("the file STOP appeared in the work folder"));
  EXPECT_FALSE(fs::exists(work_dir_ / "STOP")) << "it would end the next run as well";

  std::ofstream(work_dir_ / "STOP").put('\n');
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(host_.train_iteration());
  EXPECT_THAT(host_.requests.stops, SizeIs(1)) << "asked twice";
}

TEST_F(Example, StopFileAndCurveRefuseANameThatIsAPath) {
  for (const char* type : {"StopFile", "Curve"}) {
    for (const char* name : {"\"../STOP\"", "\"\""}) {
      const auto result = load(host_, type, {{"file", name}});
      EXPECT_FALSE(result);
      EXPECT_THAT(result.message, HasSubstr("expected a name without '/'")) << type;
    }
  }
}

// ---- curve ---------------------------------------------------------------------------------------------

// The points of the n-th line of the picture.
std::vector<std::pair<double, double>> line_points(const std::string& svg, size_t n) {
  static const std::regex line("<polyline[^>]* points=\"([^\"]*)\"");
  std::vector<std::pair<double, double>> points;
  std::sregex_iterator at(svg.begin(), svg.end(), line);
  std::advance(at, static_cast<std::ptrdiff_t>(n));
  if (at == std::sregex_iterator()) return points;
  std::istringstream in((*at)[1]);
  char comma = 0;
  for (double x = 0, y = 0; in >> x >> comma >> y;) points.emplace_back(x, y);
  return points;
}

TEST_F(Example, CurveDrawsLossAndLearningRateAndRefreshesThem) {
  ASSERT_TRUE(load(host_, "Curve", {{"interval", "5"}}));
  for (int i = 0; i < 20; ++i) {
    host_.outputs[0].second = PlainTensor::scalar(10.0F / static_cast<float>(i + 1));
    host_.groups[0].lr = 0.1 * (i + 1);
    ASSERT_TRUE(host_.train_iteration());
    EXPECT_EQ(fs::exists(work_dir_ / "curve.svg"), i >= 4) << i;
  }
  const std::string svg = file_text("curve.svg");
  EXPECT_THAT(svg, ::testing::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_THAT(svg, ::testing::EndsWith("</svg>\n"));
  const auto loss = line_points(svg, 0), lr = line_points(svg, 1);
  ASSERT_THAT(loss, SizeIs(4));
  ASSERT_THAT(lr, SizeIs(4));
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_GT(loss[i].first, loss[i - 1].first);
    EXPECT_GT(loss[i].second, loss[i - 1].second) << "the loss falls: down is a larger y";
    EXPECT_LT(lr[i].second, lr[i - 1].second) << "the learning rate rises";
  }
  EXPECT_FALSE(fs::exists(work_dir_ / "curve.svg.part"));
}

TEST_F(Example, CurveLeavesOutWhatIsNotFiniteAndTakesHugeNumbers) {
  ASSERT_TRUE(load(host_, "Curve", {{"interval", "1"}}));
  const float huge = std::numeric_limits<float>::max();
  for (const float loss : {std::numeric_limits<float>::quiet_NaN(), 1.0F,
                           std::numeric_limits<float>::infinity(), -huge, huge, 2.0F}) {
    host_.outputs[0].second = PlainTensor::scalar(loss);
    ASSERT_TRUE(host_.train_iteration());
  }
  const std::string svg = file_text("curve.svg");
  const auto points = line_points(svg, 0);
  ASSERT_THAT(points, SizeIs(4));
  for (const auto& [x, y] : points) {
    EXPECT_TRUE(x >= 0 && x <= 720 && y >= 0 && y <= 300) << x << "," << y;
  }
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST_F(Example, CurveOfALongRunStaysSmall) {
  ASSERT_TRUE(load(host_, "Curve", {{"interval", "1"}}));
  for (int i = 0; i < 1300; ++i) ASSERT_TRUE(host_.train_iteration());
  const auto points = line_points(file_text("curve.svg"), 0);
  EXPECT_LE(points.size(), 800u);
  EXPECT_GE(points.size(), 300u);
  EXPECT_TRUE(std::is_sorted(points.begin(), points.end()));
}

TEST_F(Example, CurveThatCannotBeWrittenIsToldOnceAndEndsNothing) {
  host_.work_dir = (work_dir_ / "gone").string();
  ASSERT_TRUE(load(host_, "Curve", {{"interval", "1"}}));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(host_.train_iteration());
  EXPECT_THAT(host_.log_lines("cannot write", GRAPNEL_LOG_WARNING), SizeIs(1));
  fs::create_directories(work_dir_ / "gone");
  EXPECT_TRUE(host_.train_iteration());
  EXPECT_THAT(line_points(file_text("gone/curve.svg"), 0), SizeIs(4));
}

TEST_F(Example, CurveGoesOnAfterAResume) {
  ASSERT_TRUE(load(host_, "Curve", {{"interval", "1"}}));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(host_.train_iteration());
  SavedState state;
  ASSERT_TRUE(host_.save_state(state));
  InMemoryHost resumed;
  set_up(resumed);
  ASSERT_TRUE(load(resumed, "Curve", {{"interval", "1"}}));
  ASSERT_TRUE(resumed.load_state(state));
  resumed.state.iter = 3;
  ASSERT_TRUE(resumed.train_iteration());
  EXPECT_THAT(line_points(file_text("curve.svg"), 0), SizeIs(4));

  state.bytes.resize(state.bytes.size() - 1);
  EXPECT_THAT(resumed.load_state(state).message, HasSubstr("ends early"));
  state.bytes.assign(8, 0xff);  // -1 points
  EXPECT_THAT(resumed.load_state(state).message, HasSubstr("-1 points"));
}

// ---- weight_distance -----------------------------------------------------------------------------------

void add_parameter(InMemoryHost& host, const std::string& name, PlainTensor tensor) {
  if (host.modules.empty()) host.modules = {{"", "Net", false, false, {}}};
  host.parameters.push_back({name, std::move(tensor), 0, true});
}

TEST_F(Example, WeightDistanceMeasuresFromTheStartOfTraining) {
  add_parameter(host_, "bias", PlainTensor::floats({1, 1}));
  add_parameter(host_, "weight", PlainTensor::floats({0, 1, 2, 3, 4, 5}, {2, 3}).column_major(2));
  ASSERT_TRUE(load(host_, "WeightDistance", {{"parameter", "\"weight\""}}));
  ASSERT_TRUE(host_.call("before_train"));
  host_.parameters[1].tensor.set(0, 3);  // by 3
  host_.parameters[1].tensor.set(5, 9);  // by 4
  ASSERT_TRUE(host_.call("after_train_epoch"));
  host_.parameters[1].tensor.set(5, 5);
  host_.state.epoch = 1;
  ASSERT_TRUE(host_.call("after_train_epoch"));
  EXPECT_THAT(host_.scalars["train/weight_distance"], ElementsAre(5.0, 3.0));
  EXPECT_THAT(host_.log_text(), HasSubstr("farthest 5.000000 after epoch 1"));
}

TEST_F(Example, WeightDistanceRemembersTheStartOverAResume) {
  add_parameter(host_, "weight", PlainTensor::floats({0, 0}));
  ASSERT_TRUE(load(host_, "WeightDistance"));
  ASSERT_TRUE(host_.call("before_train"));
  host_.parameters[0].tensor.set(0, 12);
  ASSERT_TRUE(host_.call("after_train_epoch"));
  SavedState state;
  ASSERT_TRUE(host_.save_state(state));
  ASSERT_EQ(state.tensors.count("start"), 1u);

  InMemoryHost resumed;
  set_up(resumed);
  add_parameter(resumed, "weight", PlainTensor::floats({12, 5}));
  ASSERT_TRUE(load(resumed, "WeightDistance"));
  ASSERT_TRUE(resumed.load_state(state));
  ASSERT_TRUE(resumed.call("before_train"));
  resumed.state.epoch = 1;
  ASSERT_TRUE(resumed.call("after_train_epoch"));
  EXPECT_THAT(resumed.scalars["train/weight_distance"], ElementsAre(13.0));
}

TEST_F(Example, WeightDistanceRefusesAStateThatItCannotHaveWritten) {
  add_parameter(host_, "weight", PlainTensor::floats({0, 0}));
  ASSERT_TRUE(load(host_, "WeightDistance"));
  ASSERT_TRUE(host_.call("before_train"));
  SavedState good;
  ASSERT_TRUE(host_.save_state(good));
  const auto message = [&](SavedState state) { return host_.load_state(state).message; };

  SavedState cut = good;
  cut.bytes.resize(10);
  EXPECT_THAT(message(cut), HasSubstr("ends early"));
  SavedState negative = good;
  std::fill(negative.bytes.begin() + 8, negative.bytes.end(), uint8_t{0xff});
  EXPECT_THAT(message(negative), HasSubstr("negative"));
  SavedState longer = good;
  longer.tensors["start"] = PlainTensor::floats({0, 0, 0});
  EXPECT_THAT(message(longer), HasSubstr("has 3 numbers, expected 2"));
  SavedState without = good;
  without.tensors.clear();
  EXPECT_FALSE(host_.load_state(without));
  EXPECT_TRUE(host_.load_state(good));
}

TEST_F(Example, WeightDistanceSaysWhichParameterIsNotThere) {
  add_parameter(host_, "weight", PlainTensor::floats({0, 0}));
  ASSERT_TRUE(load(host_, "WeightDistance", {{"parameter", "\"wait\""}}));
  EXPECT_THAT(host_.call("before_train").message, HasSubstr("no parameter \"wait\""));
}

}  // namespace
}  // namespace grapnel::test
