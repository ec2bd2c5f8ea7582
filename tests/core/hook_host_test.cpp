// Order, dispatch, failure, state and end of the hooks of a run.
#include "core/hook_host.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "allocation_counter.hpp"
#include "hook_host_fixture.hpp"
#include "temporary_folder.hpp"

namespace grapnel {
namespace {

using test::message_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class HookHostTest : public test::HookHostFixture {
 protected:
  void load(const std::string& toml) { host_.load(catalog_, hooks(toml)); }
  // What the journal gained since the last call.
  std::vector<std::string> news() { return std::exchange(journal_, {}); }
  HookHost host_{services_, static_cast<test::HookHostFixture*>(this)};
};

TEST_F(HookHostTest, CallsByPriorityWithTiesInConfigOrder) {
  load(recorder("last", "priority = 80") + recorder("b") + recorder("c") +
       recorder("first", "priority = \"VERY_HIGH\""));
  EXPECT_THAT(news(), ElementsAre("first:create", "b:create", "c:create", "last:create"));
  host_.dispatch(at(GRAPNEL_POINT_BEFORE_TRAIN_ITER));
  EXPECT_THAT(news(), ElementsAre("first:before_train_iter", "b:before_train_iter", "c:before_train_iter",
                                  "last:before_train_iter"));
  EXPECT_THAT(
      host_.order_table(),
      HasSubstr("before_train_iter: Recorder#4 (10), Recorder#2 (70), Recorder#3 (70), Recorder (80)\n"));
  EXPECT_THAT(host_.order_table(), StartsWith("before_run: "));
}

TEST_F(HookHostTest, APointNobodySubscribedToIsEmpty) {
  load(recorder("a"));
  EXPECT_TRUE(host_.subscribed(GRAPNEL_POINT_BEFORE_RUN));
  EXPECT_FALSE(host_.subscribed(GRAPNEL_POINT_BEFORE_VAL));
  EXPECT_FALSE(host_.subscribed(-1));
  EXPECT_FALSE(host_.subscribed(GRAPNEL_POINT_COUNT));
  news();
  host_.dispatch(at(GRAPNEL_POINT_BEFORE_VAL));
  host_.dispatch(at(4711));
  EXPECT_THAT(news(), IsEmpty());
  EXPECT_EQ(host_.time_table(), "");
}

TEST_F(HookHostTest, NamesEveryPoint) {
  EXPECT_STREQ(HookHost::point_name(GRAPNEL_POINT_BEFORE_RUN), "before_run");
  EXPECT_STREQ(HookHost::point_name(GRAPNEL_POINT_AFTER_SAVE_CHECKPOINT), "after_save_checkpoint");
  EXPECT_STREQ(HookHost::point_name(GRAPNEL_POINT_ON_INTERRUPT), "on_interrupt");
  EXPECT_STREQ(HookHost::point_name(-1), "unknown point");
  EXPECT_STREQ(HookHost::point_name(GRAPNEL_POINT_COUNT), "unknown point");
}

TEST_F(HookHostTest, AFailureEndsThePointAndSaysWhoWhereAndWhy) {
  load(recorder("a") + recorder("b", "fail_at = \"after_train_iter\"") + recorder("c"));
  news();
  try {
    host_.dispatch(at(GRAPNEL_POINT_AFTER_TRAIN_ITER));
    FAIL();
  } catch (const HookFailure& failure) {
    EXPECT_EQ(failure.kind(), FailureKind::kRun);
    EXPECT_EQ(failure.instance_key(), "Recorder#2");
    EXPECT_EQ(failure.point(), GRAPNEL_POINT_AFTER_TRAIN_ITER);
    EXPECT_STREQ(failure.what(),
                 "Recorder#2 failed in after_train_iter (epoch 3, iteration 42): asked to fail");
  }
  EXPECT_THAT(news(), ElementsAre("a:after_train_iter", "b:after_train_iter"));
}

TEST_F(HookHostTest, ReportsWhatIsThrownAcrossTheBorder) {
  load(plain("ThrowsInCallback"));
  EXPECT_THAT(message_of<HookFailure>([&] { host_.dispatch(at(GRAPNEL_POINT_BEFORE_RUN)); }),
              HasSubstr("it threw: thrown across the border"));
  EXPECT_THAT(message_of<HookFailure>([&] { host_.dispatch(at(GRAPNEL_POINT_AFTER_RUN)); }),
              HasSubstr("no std::exception"));
}

TEST_F(HookHostTest, ADisabledHookIsNeverCalledAgain) {
  load(recorder("a", "fail_at = \"before_run\"\non_error = \"disable\"") + recorder("b"));
  news();
  host_.dispatch(at(GRAPNEL_POINT_BEFORE_RUN));
  EXPECT_THAT(news(), ElementsAre("a:before_run", "b:before_run"));
  host_.dispatch(at(GRAPNEL_POINT_BEFORE_RUN));
  host_.dispatch(at(GRAPNEL_POINT_AFTER_RUN));
  EXPECT_THAT(news(), ElementsAre("b:before_run", "b:after_run"));
  EXPECT_EQ(host_.save_states().size(), 1u);
  host_.destroy();
  EXPECT_THAT(news(), ElementsAre("b:destroy", "a:destroy"));
}

TEST_F(HookHostTest, DispatchToAllCallsEveryoneAndGivesTheFailuresBack) {
  load(recorder("a", "fail_at = \"on_exception\"") + recorder("b") +
       recorder("c", "fail_at = \"on_exception\"") +
       recorder("d", "fail_at = \"on_exception\"\non_error = \"disable\""));
  news();
  const auto failures = host_.dispatch_to_all(at(GRAPNEL_POINT_ON_EXCEPTION));
  EXPECT_THAT(news(), ElementsAre("a:on_exception", "b:on_exception", "c:on_exception", "d:on_exception"));
  ASSERT_EQ(failures.size(), 2u);
  EXPECT_EQ(failures[0].instance_key(), "Recorder");
  EXPECT_EQ(failures[1].instance_key(), "Recorder#3");
}

TEST_F(HookHostTest, DestroysInReverseOrderOnce) {
  load(recorder("a") + recorder("b", "priority = 0") + recorder("c"));
  news();
  host_.destroy();
  EXPECT_THAT(news(), ElementsAre("c:destroy", "a:destroy", "b:destroy"));
  host_.destroy();
  host_.dispatch(at(GRAPNEL_POINT_BEFORE_RUN));
  EXPECT_THAT(news(), IsEmpty());
}

TEST_F(HookHostTest, AFailedCreateDestroysWhatWasCreatedBefore) {
  EXPECT_THAT(message_of<Failure>([&] {
                load(recorder("a") + recorder("b") + recorder("c", "fail_at = \"create\"") + recorder("d"));
              }),
              AllOf(HasSubstr("Recorder#3"), HasSubstr("asked to fail"), HasSubstr("demo.toml:")));
  EXPECT_THAT(news(), ElementsAre("a:create", "b:create", "b:destroy", "a:destroy"));
  EXPECT_EQ(host_.size(), 0u);
}

TEST_F(HookHostTest, ChecksAllOptionsBeforeItCreatesAnything) {
  EXPECT_THAT(message_of<Failure>([&] { load(recorder("a") + recorder("b", "lable = 1")); }),
              HasSubstr("did you mean \"label\"?"));
  EXPECT_THAT(news(), IsEmpty());
}

TEST_F(HookHostTest, RefusesTwoHooksWithOneStateKey) {
  EXPECT_THAT(message_of<Failure>(
                  [&] { load(recorder("a", "state_key = \"k\"") + recorder("b", "state_key = \"k\"")); }),
              AllOf(HasSubstr("two hooks have the state key \"k\""), HasSubstr("custom_hooks.1"),
                    HasSubstr("custom_hooks.0")));
  EXPECT_THAT(message_of<Failure>([&] { load(recorder("a") + recorder("b", "state_key = \"Recorder\"")); }),
              HasSubstr("state key \"Recorder\""));
  EXPECT_THAT(news(), IsEmpty());
}

TEST_F(HookHostTest, StatesComeBackToTheirInstances) {
  const std::string two = recorder("a", "state_key = \"mine\"") + recorder("b") + plain("Working");
  load(two);
  host_.dispatch(at(GRAPNEL_POINT_BEFORE_RUN));
  host_.dispatch(at(GRAPNEL_POINT_AFTER_RUN));
  const auto states = host_.save_states();
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].key, "mine");
  EXPECT_EQ(states[1].key, "Recorder");
  EXPECT_EQ(states[0].type, "Recorder");
  EXPECT_EQ(states[0].plugin_version, "1.2.3");
  EXPECT_EQ(states[0].bytes.size(), 8u);
  ASSERT_EQ(states[0].tensors.size(), 1u);
  EXPECT_EQ(states[0].tensors[0].name, "matrix");
  EXPECT_THAT(states[0].tensors[0].shape, ElementsAre(2, 3));
  // The strided view 0 2 4 / 1 3 5, made contiguous.
  float values[6];
  ASSERT_EQ(states[0].tensors[0].bytes.size(), sizeof values);
  std::memcpy(values, states[0].tensors[0].bytes.data(), sizeof values);
  EXPECT_THAT(values, ElementsAre(0, 2, 4, 1, 3, 5));

  news();
  HookHost resumed(services_, static_cast<test::HookHostFixture*>(this));
  resumed.load(catalog_, hooks(two));
  news();
  resumed.load_states({states[1], states[0]}, false);
  EXPECT_THAT(news(), ElementsAre("b:load 2 2,1", "a:load 2 2,1"));
}

TEST_F(HookHostTest, AStateThatIsCutOrDamagedIsRefused) {
  load(recorder("a"));
  const auto states = host_.save_states();
  const auto message = [&](HookState state) {
    return message_of<Failure>([&] { host_.load_states({state}, true); });
  };
  HookState cut = states[0];
  cut.bytes.resize(5);
  EXPECT_THAT(message(cut),
              AllOf(HasSubstr("the state \"Recorder\" of Recorder 1.2.3"), HasSubstr("ends early")));
  HookState no_tensor = states[0];
  no_tensor.tensors.clear();
  EXPECT_THAT(message(no_tensor), HasSubstr("no tensor matrix"));
  HookState damaged = states[0];
  damaged.tensors[0].bytes.pop_back();
  EXPECT_THAT(message(damaged), AllOf(HasSubstr("damaged"), HasSubstr("23 bytes"), HasSubstr("24")));
  HookState negative = states[0];
  negative.tensors[0].shape[0] = -2;
  EXPECT_THAT(message(negative), HasSubstr("damaged"));
  EXPECT_THAT(message_of<Failure>([&] {
                host_.load_states({states[0], states[0]}, false);
              }),
              HasSubstr("twice"));
}

TEST_F(HookHostTest, AStateWithoutATakerIsAnErrorUnlessWaived) {
  load(recorder("a") + plain("Working"));
  HookState stranger;
  stranger.key = "EMAHook";
  stranger.type = "EMAHook";
  stranger.plugin_version = "2.0";
  HookState other_type = stranger;
  other_type.key = "Recorder";
  HookState stateless = stranger;
  stateless.key = stateless.type = "Working";
  const auto message = [&](const HookState& state) {
    return message_of<Failure>([&] { host_.load_states({state}, false); });
  };
  EXPECT_THAT(message(stranger),
              AllOf(HasSubstr("the state \"EMAHook\" of EMAHook 2.0"), HasSubstr("no hook of this run"),
                    HasSubstr("waive_hook_states = true")));
  EXPECT_THAT(message(other_type), HasSubstr("the hook with that key is a Recorder"));
  EXPECT_THAT(message(stateless), HasSubstr("keeps no state"));
  EXPECT_NO_THROW(host_.load_states({stranger, other_type, stateless}, true));
}

TEST_F(HookHostTest, AFailedSaveNamesTheHook) {
  load(recorder("a", "fail_at = \"save_state\""));
  EXPECT_EQ(message_of<HookFailure>([&] { host_.save_states(); }),
            "Recorder failed in save_state: asked to fail");
}

TEST_F(HookHostTest, KnowsShorterAndLongerVtables) {
  load(plain("ShorterVtable") + plain("LongerVtable"));
  for (int32_t point = 0; point < GRAPNEL_POINT_COUNT; ++point) {
    EXPECT_EQ(host_.subscribed(point), point == GRAPNEL_POINT_BEFORE_RUN) << HookHost::point_name(point);
    EXPECT_NO_THROW(host_.dispatch(at(point)));
  }
}

// Writes beside what the hooks themselves write.
class JournalingObserver : public HookObserver {
 public:
  explicit JournalingObserver(std::vector<std::string>& journal) : journal_(journal) {}
  void begin(const char* instance_key, const char* point) noexcept override {
    journal_.push_back(std::string("begin ") + instance_key + " " + point);
  }
  void end() noexcept override { journal_.push_back("end"); }

 private:
  std::vector<std::string>& journal_;
};

TEST_F(HookHostTest, AnObserverIsToldOfEachCallWhateverComesOfItUntilItIsTakenAway) {
  for (const bool times_calls : {true, false}) {
    HookHost host(services_, static_cast<test::HookHostFixture*>(this), times_calls);
    host.load(catalog_, hooks(recorder("a") + recorder("b", "fail_at = \"before_run\"")));
    JournalingObserver observer(journal_);
    host.set_observer(&observer);
    news();
    host.dispatch(at(GRAPNEL_POINT_BEFORE_VAL));
    host.dispatch(at(GRAPNEL_POINT_AFTER_TRAIN_ITER));
    EXPECT_THAT(news(), ElementsAre("begin Recorder after_train_iter", "a:after_train_iter", "end",
                                    "begin Recorder#2 after_train_iter", "b:after_train_iter", "end"));
    EXPECT_THROW(host.dispatch(at(GRAPNEL_POINT_BEFORE_RUN)), HookFailure);
    EXPECT_THAT(news(), ElementsAre("begin Recorder before_run", "a:before_run", "end",
                                    "begin Recorder#2 before_run", "b:before_run", "end"));
    EXPECT_EQ(times_calls, !host.time_table().empty());
    host.set_observer(nullptr);
    host.dispatch(at(GRAPNEL_POINT_AFTER_TRAIN_ITER));
    EXPECT_THAT(news(), ElementsAre("a:after_train_iter", "b:after_train_iter"));
    host.destroy();
    news();
  }
}

TEST_F(HookHostTest, AnObserverIsToldOfTheEndOfACallThatThrew) {
  load(plain("ThrowsInCallback"));
  JournalingObserver observer(journal_);
  host_.set_observer(&observer);
  EXPECT_THROW(host_.dispatch(at(GRAPNEL_POINT_BEFORE_RUN)), HookFailure);
  EXPECT_THAT(news(), ElementsAre("begin ThrowsInCallback before_run", "end"));
}

TEST_F(HookHostTest, CountsCallsAndTime) {
  load(recorder("a"));
  for (int i = 0; i < 5; ++i) host_.dispatch(at(GRAPNEL_POINT_BEFORE_TRAIN_ITER));
  host_.dispatch(at(GRAPNEL_POINT_BEFORE_RUN));
  const std::string table = host_.time_table();
  EXPECT_THAT(table, StartsWith("hook"));
  EXPECT_THAT(table, ::testing::ContainsRegex("Recorder  before_train_iter +5 "));
  EXPECT_THAT(table, ::testing::ContainsRegex("Recorder  before_run +1 "));
  host_.destroy();
  EXPECT_THAT(host_.time_table(), ::testing::ContainsRegex("before_train_iter +5 "));
}

TEST_F(HookHostTest, CountsNothingWhenCallsAreNotTimed) {
  HookHost host(services_, static_cast<test::HookHostFixture*>(this), false);
  host.load(catalog_, hooks(recorder("a")));
  host.dispatch(at(GRAPNEL_POINT_BEFORE_TRAIN_ITER));
  EXPECT_THAT(journal_, ::testing::Contains("a:before_train_iter"));
  EXPECT_EQ(host.time_table(), "");
}

TEST_F(HookHostTest, IsTimedUnlessTheConfigSaysOtherwise) {
  EXPECT_TRUE(times_hooks(parse_toml("", "demo.toml")));
  EXPECT_TRUE(times_hooks(parse_toml("[plugins]\ntime_hooks = true", "demo.toml")));
  EXPECT_FALSE(times_hooks(parse_toml("[plugins]\ntime_hooks = false", "demo.toml")));
  EXPECT_THROW(times_hooks(parse_toml("[plugins]\ntime_hooks = 1", "demo.toml")), Failure);
}

TEST_F(HookHostTest, DispatchAllocatesNothing) {
  load(plain("ShorterVtable") + plain("LongerVtable"));
  const auto args = at(GRAPNEL_POINT_BEFORE_RUN);
  const size_t before = test::allocation_count();
  for (int i = 0; i < 100; ++i) host_.dispatch(args);
  EXPECT_EQ(test::allocation_count(), before);
}

using HookHostDeathTest = HookHostTest;

TEST_F(HookHostDeathTest, ACrashNamesTheHookAndThePoint) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        report_crashes_in_hooks();
        load(plain("CrashesInCallback"));
        host_.dispatch(at(GRAPNEL_POINT_BEFORE_RUN));
      },
      ::testing::KilledBySignal(SIGSEGV),
      "grapnel: crashed with SIGSEGV in hook CrashesInCallback at before_run");
  EXPECT_EXIT(
      {
        report_crashes_in_hooks();
        std::abort();
      },
      ::testing::KilledBySignal(SIGABRT),
      "grapnel: crashed with SIGABRT; no hook was running on that thread");
}

}  // namespace
}  // namespace grapnel
