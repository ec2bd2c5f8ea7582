// One hook, written in C++, C and Rust and built by every compiler and C++ library, in one process: each
// loads, does the same and fails in the same words.
#include <limits>

#include "core/elf_probe.hpp"
#include "example_host.hpp"

namespace grapnel {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::vector<std::string> kTypes = {
    "LossGuardCppGcc", "LossGuardCppClang", "LossGuardCppLibcxx", "LossGuardCppLibcxxStatic",
    "LossGuardCGcc",   "LossGuardCClang",   "LossGuardRust"};

class SameHookByEveryCompiler : public test::ExampleHost {
 protected:
  SameHookByEveryCompiler() : ExampleHost("good") {}
  HookHost host_{services_, static_cast<test::ExampleHost*>(this)};
};

TEST(Compilers, AreAllHere) {
  EXPECT_STREQ(GRAPNEL_MISSING_COMPILERS, "") << "install the packages g++, gcc, clang, libc++-14-dev, "
                                                 "libc++abi-14-dev and rustc, and configure again";
}

TEST_F(SameHookByEveryCompiler, IsThereOnceACompiler) {
  ASSERT_EQ(catalog_.files().size(), kTypes.size());
  for (const auto& file : catalog_.files()) EXPECT_EQ(file.rejection, "") << file.path;
}

TEST_F(SameHookByEveryCompiler, HasTheSameEffects) {
  host_.load(catalog_, configs(kTypes, "max_loss = 99.5"));
  ASSERT_EQ(host_.size(), kTypes.size());
  int64_t iter = 40;
  for (const double loss :
       {1.0, 250.25, 99.5, std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::infinity()}) {
    loss_ = loss;
    host_.dispatch(at(GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP, iter++));
  }
  for (const auto& type : kTypes) {
    EXPECT_THAT(
        effects_[type],
        ElementsAre("train/skipped_step = 0.000000", "train/skipped_step = 1.000000",
                    "log 2: iteration 42 skipped: the loss 250.250000 is above max_loss 99.500000",
                    "skip: the loss 250.250000 is above max_loss 99.500000", "train/skipped_step = 0.000000",
                    "train/skipped_step = 1.000000", "log 2: iteration 44 skipped: the loss is not finite",
                    "skip: the loss is not finite", "train/skipped_step = 0.000000",
                    "train/skipped_step = 1.000000", "log 2: iteration 46 skipped: the loss is not finite",
                    "skip: the loss is not finite"))
        << type;
  }
}

TEST_F(SameHookByEveryCompiler, FailsInTheSameWords) {
  host_.load(catalog_, configs(kTypes, "patience = 2"));
  loss_ = 101;
  EXPECT_TRUE(host_.dispatch_to_all(at(GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP, 0)).empty());
  const auto failures = host_.dispatch_to_all(at(GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP, 1));
  ASSERT_EQ(failures.size(), kTypes.size());
  for (size_t i = 0; i < kTypes.size(); ++i) {
    EXPECT_EQ(failures[i].what(), kTypes[i] +
                                      " failed in before_optimizer_step (epoch 1, iteration 2): 2 steps in a "
                                      "row were skipped: the loss 101.000000 is above max_loss 100.000000");
  }
}

TEST_F(SameHookByEveryCompiler, HandsTheHostsOwnMessageOn) {
  ServiceTable without_values = services_;
  static const auto no_loss = [] {
    grapnel_values_service table{};
    table.struct_size = sizeof table;
    table.get_number = [](const grapnel_host*, int32_t, const char* name, double*, grapnel_error* error) {
      std::snprintf(error->text, error->capacity, "no value %s at this point", name);
      return error->code = GRAPNEL_STATUS_NOT_FOUND;
    };
    return table;
  }();
  without_values.add(GRAPNEL_SERVICE_VALUES, &no_loss);
  HookHost host(without_values, static_cast<test::ExampleHost*>(this));
  host.load(catalog_, configs(kTypes));
  const auto failures = host.dispatch_to_all(at(GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP, 0));
  ASSERT_EQ(failures.size(), kTypes.size());
  for (const auto& failure : failures) EXPECT_THAT(failure.what(), HasSubstr("no value loss at this point"));
}

// C has to ask for its services and refuses to be made; the two layers say it when the service is used.
TEST_F(SameHookByEveryCompiler, SaysWhichServiceIsMissing) {
  for (const auto& type : kTypes) {
    HookHost host(ServiceTable(), static_cast<test::ExampleHost*>(this));
    std::string message;
    try {
      host.load(catalog_, configs({type}));
      host.dispatch(at(GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP, 0));
    } catch (const Failure& failure) {
      message = failure.what();
    }
    EXPECT_THAT(message,
                HasSubstr(type.find("GuardC") != std::string::npos && type.find("Cpp") == std::string::npos
                              ? "this host lacks one of the services"
                              : "this host has no service grapnel.values/1"))
        << type;
  }
}

TEST_F(SameHookByEveryCompiler, ExportsTheEntryObjectAlone) {
  for (const auto& file : catalog_.files()) {
    const ElfReport report = probe_elf(file.path);
    EXPECT_THAT(report.exported, ElementsAre(GRAPNEL_ENTRY_SYMBOL)) << file.path;
    EXPECT_FALSE(report.links_torch()) << file.path;
  }
}

TEST_F(SameHookByEveryCompiler, BringsTheRuntimeThatItsNameSays) {
  const auto needed = [&](const std::string& type) { return probe_elf(catalog_.find(type)->path).needed; };
  for (const auto& type : kTypes) ASSERT_NE(catalog_.find(type), nullptr) << type;
  EXPECT_THAT(needed("LossGuardCppGcc"), Contains("libstdc++.so.6"));
  EXPECT_THAT(needed("LossGuardCppClang"), Contains("libstdc++.so.6"));
  EXPECT_THAT(needed("LossGuardCppLibcxx"), Contains("libc++.so.1"));
  EXPECT_THAT(needed("LossGuardCppLibcxx"), Not(Contains("libstdc++.so.6")));
  for (const char* type : {"LossGuardCppLibcxxStatic", "LossGuardCGcc", "LossGuardCClang", "LossGuardRust"}) {
    EXPECT_THAT(needed(type), Not(Contains(StartsWith("libstdc++")))) << type;
    EXPECT_THAT(needed(type), Not(Contains(StartsWith("libc++")))) << type;
  }
}

}  // namespace
}  // namespace grapnel
