#include "tasks/detection/data/pipeline.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "core/failure.hpp"

namespace grapnel::detection::data {
namespace {

// A transform whose work is always done elsewhere.
class Implicit : public Transform {
 public:
  using Transform::Transform;
  void apply(LabelledPicture&, Draw&) const override {}
  bool commutes_with_resizing() const override { return true; }
};

TransformPointer make_implicit(Section& section, const std::string& type) {
  for (const char* key : {"backend_args", "file_client_args", "to_float32", "color_type", "imdecode_backend",
                          "with_bbox", "with_label", "box_type", "meta_keys"}) {
    section.ignore(key);
  }
  if (section.boolean_or("with_mask", false)) {
    section.fail("with_mask", "masks are not supported", "true", "false: detection has boxes only");
  }
  return std::make_unique<Implicit>(type);
}

using Maker = std::function<TransformPointer(Section&)>;

const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> all = {
      {"LoadImageFromFile", [](Section& s) { return make_implicit(s, "LoadImageFromFile"); }},
      {"LoadAnnotations", [](Section& s) { return make_implicit(s, "LoadAnnotations"); }},
      {"PackDetInputs", [](Section& s) { return make_implicit(s, "PackDetInputs"); }},
      {"Mosaic", make_mosaic},
      {"MixUp", make_mix_up},
      {"YOLOXHSVRandomAug", make_hsv_random_aug},
      {"RandomFlip", make_random_flip},
      {"Resize", make_resize},
      {"Pad", make_pad},
      {"FilterAnnotations", make_filter_annotations}};
  return all;
}

TransformPointer make_transform(Section& section, std::optional<cv::Size> mosaic_size) {
  const std::string type = section.choice("type", transform_types());
  return type == "RandomAffine" ? make_random_affine(section, mosaic_size) : makers().at(type)(section);
}

std::vector<TransformPointer> make_transforms(const ConfigNode* list, const std::string& path) {
  std::vector<TransformPointer> transforms;
  if (!list) return transforms;
  if (list->kind() != ConfigNode::Kind::kList) {
    throw Failure(FailureKind::kConfig,
                  {"wrong type", list->source().text() + ", " + path, ConfigNode::kind_name(list->kind()),
                   "a list of transform tables", ""});
  }
  std::optional<cv::Size> mosaic_size;
  size_t at = 0;
  for (const ConfigNode& item : list->items()) {
    Section section(item, path + "." + std::to_string(at++));
    transforms.push_back(make_transform(section, mosaic_size));
    if (transforms.back()->type() == "Mosaic") mosaic_size = transforms.back()->output_size();
    section.finish();
  }
  return transforms;
}

void apply_all(const std::vector<TransformPointer>& transforms, LabelledPicture& picture, Draw& draw,
               const std::vector<std::string>& skipped) {
  for (const TransformPointer& transform : transforms) {
    if (picture.is_rejected) return;
    if (std::find(skipped.begin(), skipped.end(), transform->type()) != skipped.end()) continue;
    transform->apply(picture, draw);
  }
}

// Draws over one source, with the inner pipeline where there is one.
class SourceDraw : public Draw {
 public:
  SourceDraw(CounterRng& rng, const PictureSource& source, Fit load_fit,
             const std::vector<TransformPointer>& inner, const std::vector<std::string>& skipped)
      : Draw(rng), source_(source), load_fit_(load_fit), inner_(inner), skipped_(skipped) {}

  LabelledPicture another_picture() override { return load(rng().integer(0, source_.size() - 1)); }

  LabelledPicture load(int64_t index) {
    LabelledPicture picture = open_picture(source_, index, load_fit_);
    apply_all(inner_, picture, *this, skipped_);
    return picture;
  }

 private:
  const PictureSource& source_;
  Fit load_fit_;
  const std::vector<TransformPointer>& inner_;
  const std::vector<std::string>& skipped_;
};

}  // namespace

std::vector<std::string> transform_types() {
  std::vector<std::string> types = {"RandomAffine"};
  for (const auto& [type, maker] : makers()) types.push_back(type);
  return types;
}

TableShape transform_shape(const std::string& type) {
  TableShape shape;
  ConfigNode sample = ConfigNode::table({{"type", ConfigNode::string(type)}});
  if (type == "Pad") sample.set("pad_to_square", ConfigNode::boolean(true));  // it must have something to do
  Section section(sample, "transform", shape);
  make_transform(section, std::nullopt);
  return shape;
}

namespace {

constexpr IntRange kSidePx = {1, 16384};

void expect_size(Section& section, std::string_view key, ConfigNode fallback) {
  const ConfigNode side = shape::integer(kSidePx);
  section.expect(key, shape::either({side, shape::list(side, 2)}), std::move(fallback));
}

}  // namespace

cv::Size read_size(Section& section, std::string_view key, std::optional<cv::Size> fallback) {
  const ConfigNode* node = section.raw(key);
  cv::Size size = fallback.value_or(cv::Size());
  if (node && node->kind() != ConfigNode::Kind::kInt) {
    const auto sides = section.integers_or(key, {}, 2, kSidePx);
    size = {static_cast<int>(sides.at(0)), static_cast<int>(sides.at(1))};
  } else if (node || !fallback) {
    size.width = size.height = static_cast<int>(section.integer(key, kSidePx));
  }
  expect_size(section, key,
              fallback ? ConfigNode::list({ConfigNode::integer(size.width), ConfigNode::integer(size.height)})
                       : ConfigNode());
  return size;
}

std::optional<cv::Size> read_optional_size(Section& section, std::string_view key) {
  if (section.has(key)) return read_size(section, key, std::nullopt);
  section.raw(key);
  expect_size(section, key, {});
  return std::nullopt;
}

cv::Scalar read_pad_value(Section& section, const char* key) {
  const ConfigNode grey = shape::number({0, 255});
  const ConfigNode colour = shape::either({grey, shape::list(grey, 3)});
  const ConfigNode parts = ConfigNode::table(
      {{"img", colour}, {"seg", ConfigNode::boolean(true)}, {"masks", ConfigNode::boolean(true)}});
  const ConfigNode table = shape::keywords({{"type", ConfigNode::string("object")},
                                            {"properties", parts},
                                            {"additionalProperties", ConfigNode::boolean(false)}});
  section.expect(key, shape::either({grey, shape::list(grey, 3), table}), ConfigNode::number(kPadValue));
  const ConfigNode* node = section.raw(key);
  if (!node) return cv::Scalar::all(kPadValue);
  if (node->kind() == ConfigNode::Kind::kTable) {
    Section inner = section.required_table(key);
    const cv::Scalar value = read_pad_value(inner, "img");
    inner.ignore("seg");
    inner.ignore("masks");
    inner.finish();
    return value;
  }
  if (node->kind() == ConfigNode::Kind::kList) {
    const auto values = section.numbers_or(key, {}, 3, {0, 255});
    return {values.at(0), values.at(1), values.at(2)};
  }
  return cv::Scalar::all(section.number(key, {0, 255}));
}

void require_clipping(Section& section) {
  if (!section.boolean_or("bbox_clip_border", true)) {
    section.fail("bbox_clip_border", "boxes beyond the border are not supported", "false", "true");
  }
}

std::array<double, 2> read_range(Section& section, const char* key, std::array<double, 2> fallback,
                                 FloatRange range) {
  const auto values = section.numbers_or(key, {fallback[0], fallback[1]}, 2, range);
  if (values.at(0) > values.at(1)) {
    section.fail(key, "wrong range", std::to_string(values[0]) + ", " + std::to_string(values[1]),
                 "(lowest, highest)");
  }
  return {values[0], values[1]};
}

Pipeline::Pipeline(const ConfigNode* inner, const std::string& inner_path, const ConfigNode* outer,
                   const std::string& outer_path)
    : inner_(make_transforms(inner, inner_path)), outer_(make_transforms(outer, outer_path)) {}

std::vector<std::string> Pipeline::types() const {
  std::vector<std::string> all;
  for (const auto* list : {&inner_, &outer_}) {
    for (const TransformPointer& transform : *list) all.push_back(transform->type());
  }
  return all;
}

std::optional<cv::Size> Pipeline::output_size() const {
  std::optional<cv::Size> size;
  for (const auto* list : {&inner_, &outer_}) {
    for (const TransformPointer& transform : *list) {
      if (const auto given = transform->output_size()) size = given;
    }
  }
  return size;
}

Fit Pipeline::load_fit() const {
  for (const auto* list : {&inner_, &outer_}) {
    for (const TransformPointer& transform : *list) {
      if (const auto fit = transform->fit()) return *fit;
      if (!transform->commutes_with_resizing()) return {};
    }
  }
  return {};
}

LabelledPicture Pipeline::run(int64_t index, CounterRng& rng, const PictureSource& source,
                              const std::vector<std::string>& skipped) const {
  SourceDraw draw(rng, source, load_fit(), inner_, skipped);
  LabelledPicture picture;
  // MMDetection's max_refetch.
  constexpr int kMostTries = 15;
  for (int i = 0; i < kMostTries; ++i) {
    picture = i == 0 ? draw.load(index) : draw.another_picture();
    apply_all(outer_, picture, draw, skipped);
    if (!picture.is_rejected) break;
  }
  return picture;
}

void letterbox(LabelledPicture& picture, cv::Size size) {
  const bool fits = picture.size().width <= size.width && picture.size().height <= size.height;
  if (!picture.is_sized || !fits) fit_picture(picture, {size});
  pad_picture(picture, size, cv::Scalar::all(kPadValue));
  picture.pixels();
}

}  // namespace grapnel::detection::data
