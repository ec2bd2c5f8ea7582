// From the config's tables to the list of hooks.
#include "core/hook_config.hpp"

#include <gmock/gmock.h>

#include "core/config_text.hpp"
#include "core/failure.hpp"

namespace grapnel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<HookConfig> read(const std::string& toml) {
  return read_hook_configs(parse_toml(toml, "demo.toml"));
}

std::vector<std::string> types(const std::vector<HookConfig>& hooks) {
  std::vector<std::string> names;
  for (const auto& hook : hooks) names.push_back(hook.type);
  return names;
}

std::string failure_of(const std::string& toml) {
  try {
    read(toml);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), FailureKind::kConfig);
    return failure.what();
  }
  return "no failure";
}

TEST(HookConfig, HasTheSixDefaultsOfMMEngineInItsOrder) {
  EXPECT_THAT(types(read("")), ElementsAre("RuntimeInfoHook", "IterTimerHook", "DistSamplerSeedHook",
                                           "LoggerHook", "ParamSchedulerHook", "CheckpointHook"));
}

TEST(HookConfig, ReplacesRemovesAndAddsDefaults) {
  const auto hooks = read(R"(
[default_hooks]
timer = false
extra = { type = "ExtraHook" }
checkpoint = { type = "MyCheckpointHook", interval = 5 }
logger = { interval = 10 }
[[custom_hooks]]
type = "A"
[[custom_hooks]]
type = "A"
)");
  EXPECT_THAT(types(hooks), ElementsAre("RuntimeInfoHook", "DistSamplerSeedHook", "LoggerHook",
                                        "ParamSchedulerHook", "MyCheckpointHook", "ExtraHook", "A", "A"));
  EXPECT_EQ(hooks[2].options.find("interval")->as_int(), 10);
  EXPECT_EQ(hooks[2].path, "default_hooks.logger");
  EXPECT_EQ(hooks[4].path, "default_hooks.checkpoint");
  EXPECT_EQ(hooks[4].source.text(), "demo.toml:5");
  EXPECT_EQ(hooks[7].path, "custom_hooks.1");
}

TEST(HookConfig, KeepsReservedKeysFromTheOptions) {
  const std::string digits(64, 'A');
  const auto hook = read(
                        "[[custom_hooks]]\ntype = \"A\"\npriority = \"VERY_LOW\"\non_error = \"disable\"\n"
                        "state_key = \"mine\"\nsha256 = \"" +
                        digits + "\"\ninterval = 3\n")
                        .back();
  EXPECT_EQ(hook.priority, 90);
  EXPECT_TRUE(hook.disable_on_error);
  EXPECT_EQ(hook.state_key, "mine");
  EXPECT_EQ(hook.sha256, std::string(64, 'a'));
  ASSERT_EQ(hook.options.members().size(), 1u);
  EXPECT_EQ(hook.options.members()[0].first, "interval");
  EXPECT_FALSE(read("").front().priority.has_value());
  EXPECT_FALSE(read("").front().disable_on_error);
}

TEST(HookConfig, KnowsMMEnginesPriorities) {
  const std::pair<const char*, int> names[] = {{"HIGHEST", 0}, {"VERY_HIGH", 10},    {"HIGH", 30},
                                               {"NORMAL", 50}, {"ABOVE_NORMAL", 40}, {"BELOW_NORMAL", 60},
                                               {"LOW", 70},    {"VERY_LOW", 90},     {"LOWEST", 100}};
  for (const auto& [name, number] : names)
    EXPECT_EQ(parse_priority(ConfigNode::string(name), "p"), number) << name;
  EXPECT_EQ(parse_priority(ConfigNode::integer(0), "p"), 0);
  EXPECT_EQ(parse_priority(ConfigNode::integer(100), "p"), 100);
  for (const ConfigNode& wrong : {ConfigNode::integer(-1), ConfigNode::integer(101), ConfigNode::number(50.0),
                                  ConfigNode::boolean(true), ConfigNode::string("low")}) {
    EXPECT_THROW(parse_priority(wrong, "p"), Failure) << wrong.to_json();
  }
}

TEST(HookConfig, SaysWhereAReservedKeyIsWrong) {
  const std::string hook = "[[custom_hooks]]\ntype = \"A\"\n";
  EXPECT_THAT(failure_of(hook + "priority = \"VERY_HIHG\""),
              HasSubstr("demo.toml:3, custom_hooks.0.priority"));
  EXPECT_THAT(failure_of(hook + "priority = \"VERY_HIHG\""), HasSubstr("did you mean \"VERY_HIGH\"?"));
  EXPECT_THAT(failure_of(hook + "on_error = \"ignore\""), HasSubstr("\"stop\" or \"disable\""));
  EXPECT_THAT(failure_of(hook + "on_error = false"), HasSubstr("custom_hooks.0.on_error"));
  EXPECT_THAT(failure_of(hook + "state_key = \"\""), HasSubstr("custom_hooks.0.state_key"));
  EXPECT_THAT(failure_of(hook + "sha256 = \"abc\""), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(failure_of("[[custom_hooks]]\ninterval = 1"), HasSubstr("custom_hooks.0.type"));
  EXPECT_THAT(failure_of("[[custom_hooks]]\ntype = 1"), HasSubstr("custom_hooks.0.type"));
  EXPECT_THAT(failure_of("custom_hooks = 3"), HasSubstr("custom_hooks"));
  EXPECT_THAT(failure_of("custom_hooks = [3]"), HasSubstr("custom_hooks.0"));
  EXPECT_THAT(failure_of("default_hooks = 3"), HasSubstr("default_hooks"));
  EXPECT_THAT(failure_of("[default_hooks]\ntimer = true"), HasSubstr("default_hooks.timer"));
  EXPECT_THAT(failure_of("[default_hooks]\nextra = { interval = 1 }"), HasSubstr("default_hooks.extra.type"));
}

}  // namespace
}  // namespace grapnel
