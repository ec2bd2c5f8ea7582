// How weights go into a model: another number of classes, another model, MMDetection's names.
#include "runner/weights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "../core/temporary_folder.hpp"
#include "core/failure.hpp"
#include "runner/module_tree.hpp"
#include "tasks/detection/weight_names.hpp"
#include "tasks/detection/yolox_model.hpp"

namespace grapnel::detection {
namespace {

using runner::NamedTensors;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Yolox make(const char* variant, int64_t classes, uint64_t seed = 1) {
  Yolox model(*find_yolox_variant(variant), classes);
  model->init_weights(seed);
  return model;
}

NamedTensors copy_of(Yolox& model) {
  NamedTensors tensors;
  for (const auto& [name, tensor] : runner::model_tensors(*model))
    tensors.emplace_back(name, tensor.detach().clone());
  return tensors;
}

// What was logged while it lived.
class Log {
 public:
  Log() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(stream_)));
  }
  ~Log() { spdlog::set_default_logger(before_); }
  std::string text() {
    spdlog::default_logger()->flush();
    return stream_.str();
  }

 private:
  std::ostringstream stream_;
  std::shared_ptr<spdlog::logger> before_;
};

bool is_class_prediction(const std::string& name) { return name.find("cls_preds") != std::string::npos; }

TEST(LoadTensors, AHeadWithOtherClassesKeepsItsOwnPredictionsAndListsThem) {
  Yolox source = make("nano", 80, 1), target = make("nano", 3, 2), untouched = make("nano", 3, 2);
  Log log;
  runner::load_tensors(*target, copy_of(source), /*strict=*/false, "coco.pth");
  const std::string text = log.text();
  EXPECT_THAT(text, AllOf(HasSubstr("coco.pth"), HasSubstr("initial values"),
                          HasSubstr("head.cls_preds.2.weight [80, 64, 1, 1] for [3, 64, 1, 1]"),
                          HasSubstr("head.cls_preds.0.bias [80] for [3]"), Not(HasSubstr("more")),
                          Not(HasSubstr("missing")), Not(HasSubstr("reg_preds"))));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  const NamedTensors from = copy_of(source), own = copy_of(untouched), now = copy_of(target);
  size_t skipped = 0;
  for (size_t i = 0; i < now.size(); ++i) {
    const bool skip = is_class_prediction(now[i].first);
    skipped += skip;
    EXPECT_TRUE(torch::equal(now[i].second, skip ? own[i].second : from[i].second)) << now[i].first;
  }
  EXPECT_EQ(skipped, 6u);
}

TEST(LoadTensors, EvaluationRefusesOtherClassesAndSaysWhatToDo) {
  Yolox source = make("nano", 80), target = make("nano", 3);
  EXPECT_THAT(
      test::message_of<Failure>([&] { runner::load_tensors(*target, copy_of(source), true, "coco.pth"); }),
      AllOf(HasSubstr("coco.pth"), HasSubstr("head.cls_preds.0.weight"), HasSubstr("num_classes"),
            HasSubstr("80"), HasSubstr("load_from")));
}

TEST(LoadTensors, AnotherVariantIsRefusedEvenToStartFrom) {
  Yolox source = make("tiny", 3), target = make("nano", 3);
  for (const bool strict : {true, false}) {
    EXPECT_THAT(test::message_of<Failure>(
                    [&] { runner::load_tensors(*target, copy_of(source), strict, "tiny.pth"); }),
                AllOf(HasSubstr("tiny.pth"), HasSubstr("more"), HasSubstr("check [model]"),
                      Not(HasSubstr("num_classes"))));
  }
  EXPECT_THAT(test::message_of<Failure>([&] {
                runner::load_tensors(*target, {{"fc.weight", torch::zeros({2})}}, false, "other.pth");
              }),
              HasSubstr("unknown: fc.weight"));
}

TEST(LoadTensors, HalfPrecisionIsWidened) {
  Yolox source = make("nano", 3, 1), target = make("nano", 3, 2);
  NamedTensors half = copy_of(source);
  for (auto& [name, tensor] : half) {
    if (tensor.is_floating_point()) tensor = tensor.to(torch::kHalf);
  }
  runner::load_tensors(*target, half, true, "half.pth");
  const NamedTensors now = copy_of(target);
  for (size_t i = 0; i < now.size(); ++i) {
    EXPECT_TRUE(torch::equal(now[i].second, half[i].second.to(now[i].second.scalar_type()))) << now[i].first;
  }
}

// ---- MMDetection's ---------------------------------------------------------------------------------------

// Names and shapes as MMDetection's modules register them, written from their constructors:
// CSPDarknet(deepen_factor, widen_factor, use_depthwise), YOLOXPAFPN(in_channels, out_channels,
// num_csp_blocks), YOLOXHead(feat_channels).
class MmdetModel {
 public:
  MmdetModel(const YoloxVariant& variant, int64_t classes, bool random)
      : depthwise_(variant.depthwise), random_(random) {
    const double depth = variant.depth, width = variant.width;
    const auto channels = [width](int64_t count) {
      return static_cast<int64_t>(static_cast<double>(count) * width);
    };
    const auto blocks = [depth](int64_t count) {
      return std::max<int64_t>(static_cast<int64_t>(std::nearbyint(static_cast<double>(count) * depth)), 1);
    };
    const int64_t c1 = channels(64), c2 = channels(128), c3 = channels(256), c4 = channels(512),
                  c5 = channels(1024);
    conv("backbone.stem.conv", 12, c1, 3);
    stage("backbone.stage1", c1, c2, blocks(3), false);
    stage("backbone.stage2", c2, c3, blocks(9), false);
    stage("backbone.stage3", c3, c4, blocks(9), false);
    stage("backbone.stage4", c4, c5, blocks(3), true);
    const int64_t in[3] = {c3, c4, c5}, hidden = channels(256);
    for (int i = 2; i > 0; --i) {
      const std::string at = std::to_string(2 - i);
      conv("neck.reduce_layers." + at, in[i], in[i - 1], 1);
      csp("neck.top_down_blocks." + at, in[i - 1] * 2, in[i - 1], blocks(3));
    }
    for (int i = 0; i < 2; ++i) {
      either("neck.downsamples." + std::to_string(i), in[i], in[i], 3);
      csp("neck.bottom_up_blocks." + std::to_string(i), in[i] * 2, in[i + 1], blocks(3));
    }
    for (int i = 0; i < 3; ++i) conv("neck.out_convs." + std::to_string(i), in[i], hidden, 1);
    for (const std::string level : {"0", "1", "2"}) {
      for (const char* branch : {"cls", "reg"}) {
        for (const char* layer : {".0", ".1"}) {
          either("bbox_head.multi_level_" + std::string(branch) + "_convs." + level + layer, hidden, hidden,
                 3);
        }
      }
      plain("bbox_head.multi_level_conv_cls." + level, hidden, classes);
      plain("bbox_head.multi_level_conv_reg." + level, hidden, 4);
      plain("bbox_head.multi_level_conv_obj." + level, hidden, 1);
    }
  }

  NamedTensors tensors;

 private:
  void add(const std::string& name, std::vector<int64_t> sizes) {
    tensors.emplace_back(name, random_ ? torch::randn(sizes) : torch::empty(sizes));
  }
  void conv(const std::string& name, int64_t in, int64_t out, int64_t kernel) {
    add(name + ".conv.weight", {out, in, kernel, kernel});
    for (const char* part : {".bn.weight", ".bn.bias", ".bn.running_mean", ".bn.running_var"})
      add(name + part, {out});
    tensors.emplace_back(name + ".bn.num_batches_tracked", torch::tensor(int64_t{5}));
  }
  void either(const std::string& name, int64_t in, int64_t out, int64_t kernel) {
    if (!depthwise_) return conv(name, in, out, kernel);
    conv(name + ".depthwise_conv", 1, in, kernel);
    conv(name + ".pointwise_conv", in, out, 1);
  }
  void plain(const std::string& name, int64_t in, int64_t out) {
    add(name + ".weight", {out, in, 1, 1});
    add(name + ".bias", {out});
  }
  void csp(const std::string& name, int64_t in, int64_t out, int64_t blocks) {
    conv(name + ".main_conv", in, out / 2, 1);
    conv(name + ".short_conv", in, out / 2, 1);
    conv(name + ".final_conv", out / 2 * 2, out, 1);
    for (int64_t i = 0; i < blocks; ++i) {
      const std::string block = name + ".blocks." + std::to_string(i);
      conv(block + ".conv1", out / 2, out / 2, 1);
      either(block + ".conv2", out / 2, out / 2, 3);
    }
  }
  void stage(const std::string& name, int64_t in, int64_t out, int64_t blocks, bool spp) {
    either(name + ".0", in, out, 3);
    if (spp) {
      conv(name + ".1.conv1", out, out / 2, 1);
      conv(name + ".1.conv2", out / 2 * 4, out, 1);
    }
    csp(name + (spp ? ".2" : ".1"), out, out, blocks);
  }

  bool depthwise_;
  bool random_;  // else only their shapes count
};

TEST(MmdetNames, MeanTheTensorsOfEveryVariant) {
  for (const YoloxVariant& variant : yolox_variants()) {
    MmdetModel source(variant, 7, /*random=*/false);
    std::vector<std::string> names;
    for (const auto& [name, tensor] : source.tensors) names.push_back(name);
    ASSERT_TRUE(translate_mmdet_names(names));
    std::map<std::string, c10::IntArrayRef> given;
    for (size_t i = 0; i < names.size(); ++i) {
      EXPECT_TRUE(given.emplace(names[i], source.tensors[i].second.sizes()).second) << names[i];
    }
    Yolox model(variant, 7);
    const NamedTensors own = runner::model_tensors(*model);
    EXPECT_EQ(given.size(), own.size()) << variant.name;
    for (const auto& [name, tensor] : own) {
      ASSERT_EQ(given.count(name), 1u) << variant.name << " " << name;
      EXPECT_EQ(given.at(name), tensor.sizes()) << variant.name << " " << name;
    }
  }
}

TEST(MmdetNames, AreTranslatedWhenLoaded) {
  MmdetModel source(*find_yolox_variant("nano"), 80, /*random=*/true);
  NamedTensors tensors = source.tensors;
  tensors.emplace_back("data_preprocessor.mean", torch::zeros({3}));
  tensors.emplace_back("ema_backbone_stem_conv_conv_weight", torch::zeros({16, 12, 3, 3}));
  Yolox same = make("nano", 80);
  runner::load_tensors(*same, tensors, /*strict=*/true, "mmdet.pth");
  const std::map<std::string, torch::Tensor> given(tensors.begin(), tensors.end());
  std::map<std::string, torch::Tensor> now;
  for (auto& [name, tensor] : copy_of(same)) now[name] = tensor;
  const std::pair<const char*, const char*> pairs[] = {
      {"backbone.stage4.1.conv2.conv.weight", "backbone.backbone.dark5.1.conv2.conv.weight"},
      {"backbone.stage2.1.blocks.2.conv2.pointwise_conv.bn.running_var",
       "backbone.backbone.dark3.1.m.2.conv2.pconv.bn.running_var"},
      {"neck.top_down_blocks.1.short_conv.conv.weight", "backbone.C3_p3.conv2.conv.weight"},
      {"neck.downsamples.0.depthwise_conv.conv.weight", "backbone.bu_conv2.dconv.conv.weight"},
      {"neck.out_convs.2.bn.bias", "head.stems.2.bn.bias"},
      {"bbox_head.multi_level_conv_obj.1.bias", "head.obj_preds.1.bias"}};
  for (const auto& [theirs, own] : pairs) EXPECT_TRUE(torch::equal(now.at(own), given.at(theirs))) << own;

  Yolox other = make("nano", 3);
  Log log;
  runner::load_tensors(*other, tensors, /*strict=*/false, "mmdet.pth");
  EXPECT_THAT(log.text(), AllOf(HasSubstr("MMDetection's names"), HasSubstr("head.cls_preds.0.weight [80")));
}

TEST(MmdetNames, OwnNamesStay) {
  Yolox model = make("nano", 3);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : copy_of(model)) names.push_back(name);
  const std::vector<std::string> before = names;
  EXPECT_FALSE(translate_mmdet_names(names));
  EXPECT_EQ(names, before);
  EXPECT_EQ(megvii_name("backbone.layer1.0.conv1.weight"), std::nullopt);
}

}  // namespace
}  // namespace grapnel::detection
