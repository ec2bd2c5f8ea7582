// What a hook of any compiler and language throws in a callback is reported with hook, point and text, and
// the host goes on.
#include "example_host.hpp"

namespace grapnel {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::vector<std::string> kCppBuilds = {"Gcc", "Clang", "Libcxx", "LibcxxStatic"};

class FailingHooks : public test::ExampleHost {
 protected:
  FailingHooks() : ExampleHost("failing") {}

  // One message a type, from the point; the other hooks of the point are called as well.
  std::vector<std::string> messages(const std::vector<std::string>& types, int32_t point) {
    HookHost host(services_, static_cast<test::ExampleHost*>(this));
    host.load(catalog_, configs(types));
    std::vector<std::string> texts;
    for (const auto& failure : host.dispatch_to_all(at(point, 4))) {
      EXPECT_EQ(failure.point(), point);
      texts.emplace_back(failure.what());
    }
    effects_.clear();
    EXPECT_TRUE(host.dispatch_to_all(at(GRAPNEL_POINT_AFTER_RUN, 4)).empty());
    for (const auto& type : types) EXPECT_THAT(effects_[type], ElementsAre("log 1: still here")) << type;
    return texts;
  }
  static std::vector<std::string> cpp_builds_of(const std::string& type) {
    std::vector<std::string> types;
    for (const auto& build : kCppBuilds) types.push_back(type + build);
    return types;
  }
  static std::string start(const std::string& type, const std::string& point) {
    return type + " failed in " + point + " (epoch 1, iteration 5): ";
  }
};

TEST_F(FailingHooks, TheCppLayerReportsItsExceptions) {
  const auto types = cpp_builds_of("LayerThrower");
  const auto own = messages(types, GRAPNEL_POINT_BEFORE_RUN);
  const auto librarys = messages(types, GRAPNEL_POINT_BEFORE_TRAIN);
  const auto number = messages(types, GRAPNEL_POINT_BEFORE_VAL);
  ASSERT_EQ(own.size(), types.size());
  ASSERT_EQ(librarys.size(), types.size());
  ASSERT_EQ(number.size(), types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    EXPECT_EQ(own[i], start(types[i], "before_run") + "thrown on purpose");
    EXPECT_THAT(librarys[i], AllOf(StartsWith(start(types[i], "before_train")), HasSubstr("vector")));
    EXPECT_EQ(number[i], start(types[i], "before_val") + "an exception that is no std::exception");
  }
}

// With a C++ library of its own inside, a plugin's exceptions are foreign to the host: it can tell that, no
// more. One that shares the process's libstdc++ (and libc++ does share its runtime) can be read.
TEST_F(FailingHooks, ExceptionsThatEscapeAPluginAreReported) {
  const auto types = cpp_builds_of("RawThrower");
  const auto own = messages(types, GRAPNEL_POINT_BEFORE_RUN);
  const auto librarys = messages(types, GRAPNEL_POINT_BEFORE_TRAIN);
  const auto number = messages(types, GRAPNEL_POINT_BEFORE_VAL);
  ASSERT_EQ(own.size(), types.size());
  ASSERT_EQ(librarys.size(), types.size());
  ASSERT_EQ(number.size(), types.size());
  const std::string unreadable = "it threw an exception that is no std::exception";
  for (size_t i = 0; i < types.size(); ++i) {
    const bool own_library = kCppBuilds[i] == "LibcxxStatic";
    EXPECT_EQ(own[i],
              start(types[i], "before_run") + (own_library ? unreadable : "it threw: thrown on purpose"));
    EXPECT_THAT(librarys[i], AllOf(StartsWith(start(types[i], "before_train")),
                                   HasSubstr(own_library ? unreadable : "it threw: vector")));
    EXPECT_EQ(number[i], start(types[i], "before_val") + unreadable);
  }
}

TEST_F(FailingHooks, AStatusFromCIsReported) {
  const std::vector<std::string> types = {"FailerGcc", "FailerClang"};
  EXPECT_THAT(messages(types, GRAPNEL_POINT_BEFORE_RUN),
              ElementsAre(start(types[0], "before_run") + "failed on purpose",
                          start(types[1], "before_run") + "failed on purpose"));
  EXPECT_THAT(messages(types, GRAPNEL_POINT_BEFORE_VAL),
              ElementsAre(start(types[0], "before_val") + "it gave no reason (status 5)",
                          start(types[1], "before_val") + "it gave no reason (status 5)"));
}

TEST_F(FailingHooks, ARustPanicIsReportedWithItsPlaceAndStaysOffTheTerminal) {
  const std::string type = "PanickerRust";
  ::testing::internal::CaptureStderr();
  const auto own = messages({type}, GRAPNEL_POINT_BEFORE_RUN);
  const auto librarys = messages({type}, GRAPNEL_POINT_BEFORE_TRAIN);
  const auto number = messages({type}, GRAPNEL_POINT_BEFORE_VAL);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  const auto panicked_at = [&](const std::string& point, const std::string& text) {
    return AllOf(StartsWith(start(type, point) + "it panicked at "), HasSubstr("panicker.rs:"),
                 EndsWith(text));
  };
  EXPECT_THAT(own, ElementsAre(panicked_at("before_run", ": thrown on purpose")));
  EXPECT_THAT(librarys, ElementsAre(panicked_at("before_train",
                                                ": index out of bounds: the len is 3 but the index is 4")));
  EXPECT_THAT(number, ElementsAre(panicked_at("before_val", ": no text")));
}

TEST_F(FailingHooks, AllLanguagesFailSideBySideAndAllAreCalled) {
  const std::vector<std::string> types = {
      "RawThrowerLibcxxStatic", "PanickerRust",    "LayerThrowerLibcxx", "FailerClang",
      "RawThrowerLibcxx",       "LayerThrowerGcc", "RawThrowerGcc",      "LayerThrowerLibcxxStatic"};
  const auto texts = messages(types, GRAPNEL_POINT_BEFORE_RUN);
  ASSERT_EQ(texts.size(), types.size());
  for (size_t i = 0; i < types.size(); ++i) EXPECT_THAT(texts[i], StartsWith(start(types[i], "before_run")));
}

TEST_F(FailingHooks, AHookThatIsToBeDisabledIsNotCalledAgain) {
  HookHost host(services_, static_cast<test::ExampleHost*>(this));
  const std::vector<std::string> types = {"RawThrowerLibcxxStatic", "PanickerRust", "FailerGcc"};
  host.load(catalog_, configs(types, "on_error = \"disable\""));
  EXPECT_NO_THROW(host.dispatch(at(GRAPNEL_POINT_BEFORE_RUN, 0)));
  EXPECT_NO_THROW(host.dispatch(at(GRAPNEL_POINT_AFTER_RUN, 0)));
  EXPECT_TRUE(effects_.empty());
}

}  // namespace
}  // namespace grapnel
