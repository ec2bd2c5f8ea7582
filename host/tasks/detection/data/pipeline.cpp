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

std::vector<TransformPointer> make_transforms(const ConfigNode* list, const std::string& path) {
  std::vector<TransformPointer> transforms;
  if (!list) return transforms;
  if (list->kind() != ConfigNode::Kind::kList) {
    throw Failure(FailureKind::kConfig,
                  {"wrong type", list->source().text() + ", " + path, ConfigNode::kind_name(list->kind()),
                   "a list of transform tables", ""});
  }
  std::vector<std::string> known = {"RandomAffine"};
  for (const auto& [type, maker] : makers()) known.push_back(type);
  std::optional<cv::Size> mosaic_size;
  size_t at = 0;
  for (const ConfigNode& item : list->items()) {
    Section section(item, path + "." + std::to_string(at++));
    const std::string type = section.choice("type", known);
    transforms.push_back(type == "RandomAffine" ? make_random_affine(section, mosaic_size)
                                                : makers().at(type)(section));
    if (type == "Mosaic") mosaic_size = transforms.back()->output_size();
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
  SourceDraw(CounterRng& rng, const PictureSource& source, cv::Size load_size,
             const std::vector<TransformPointer>& inner, const std::vector<std::string>& skipped)
      : Draw(rng), source_(source), load_size_(load_size), inner_(inner), skipped_(skipped) {}

  LabelledPicture another_picture() override { return load(rng().integer(0, source_.size() - 1)); }

  LabelledPicture load(int64_t index) {
    LabelledPicture picture = source_.load(index, load_size_);
    apply_all(inner_, picture, *this, skipped_);
    return picture;
  }

 private:
  const PictureSource& source_;
  cv::Size load_size_;
  const std::vector<TransformPointer>& inner_;
  const std::vector<std::string>& skipped_;
};

}  // namespace

cv::Size read_size(Section& section, const char* key, std::optional<cv::Size> fallback) {
  constexpr int64_t kLargest = 16384;
  if (!fallback || section.has(key)) {
    const ConfigNode* node = section.raw(key);
    if (!node || node->kind() == ConfigNode::Kind::kInt) {
      const auto side = static_cast<int>(section.integer(key, {1, kLargest}));
      return {side, side};
    }
    const auto sides = section.integers_or(key, {}, 2, {1, kLargest});
    return {static_cast<int>(sides.at(0)), static_cast<int>(sides.at(1))};
  }
  return *fallback;
}

cv::Scalar read_pad_value(Section& section, const char* key) {
  const ConfigNode* node = section.raw(key);
  if (!node) return cv::Scalar::all(kPadValue);
  if (node->kind() == ConfigNode::Kind::kTable) {
    Section table = section.required_table(key);
    const cv::Scalar value = read_pad_value(table, "img");
    table.ignore("seg");
    table.ignore("masks");
    table.finish();
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

cv::Size Pipeline::load_size() const {
  for (const auto* list : {&inner_, &outer_}) {
    for (const TransformPointer& transform : *list) {
      if (const auto fit = transform->fit_size()) return *fit;
      if (!transform->commutes_with_resizing()) return {0, 0};
    }
  }
  return {0, 0};
}

LabelledPicture Pipeline::run(int64_t index, CounterRng& rng, const PictureSource& source,
                              const std::vector<std::string>& skipped) const {
  SourceDraw draw(rng, source, load_size(), inner_, skipped);
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
  const bool fits = picture.image.cols <= size.width && picture.image.rows <= size.height;
  if (!picture.is_sized || !fits) resize_picture(picture, fit_inside(picture.image.size(), size));
  pad_picture(picture, size, cv::Scalar::all(kPadValue));
}

}  // namespace grapnel::detection::data
