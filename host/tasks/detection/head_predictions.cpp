#include "tasks/detection/head_predictions.hpp"

#include <ATen/autocast_mode.h>

#include <cstring>
#include <utility>

#include "tasks/detection/channels_last.hpp"
#include "tasks/detection/kernels/convolution_passes.hpp"

namespace grapnel::detection {
namespace {

using kernels::Floats;
using kernels::Rows;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::tensor_list;

constexpr int64_t kBox = 4;
constexpr int64_t kBoxAndObject = 5;
constexpr int64_t kBoxColumns = kernels::kChannelStep;  // box and object, padded
constexpr int64_t kBlock = 64;                          // pixels at a time
constexpr size_t kTensorsALevel = 8;
constexpr int64_t kNoOffset = 0;

tensor_list flat(const HeadLevels& levels) {
  tensor_list all;
  for (const LevelPredictions& l : levels) {
    for (const Tensor& tensor : {l.box_features, l.class_features, l.box_weight, l.box_bias, l.object_weight,
                                 l.object_bias, l.class_weight, l.class_bias}) {
      all.push_back(tensor);
    }
  }
  return all;
}

// A level's tensors as memory. The two weights lie in one padded matrix [8 + padded classes, hidden].
struct Level {
  Level(const tensor_list& all, size_t index)
      : first(&all[index * kTensorsALevel]),
        hidden(first[0].size(1)),
        pixels(first[0].size(2) * first[0].size(3)),
        classes(first[6].size(0)),
        columns(kBoxColumns + kernels::padded(classes)),
        weight(columns * hidden),
        box(channels_last_rows(first[0])),
        classification(channels_last_rows(first[1])) {
    std::memset(weight.get(), 0, bytes(columns * hidden));
    std::memcpy(weight.get(), first[2].data_ptr<float>(), bytes(kBox * hidden));
    std::memcpy(weight.get() + kBox * hidden, first[4].data_ptr<float>(), bytes(hidden));
    std::memcpy(weight.get() + kBoxColumns * hidden, first[6].data_ptr<float>(), bytes(classes * hidden));
  }
  static size_t bytes(int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); }

  const Tensor* first;
  int64_t hidden, pixels, classes, columns;
  Floats weight;
  Rows<const float> box, classification;
};

// body(thread, picture, first pixel, pixels) in blocks.
template <class Body>
void over_pixel_blocks(int64_t batch, int64_t pixels, const Body& body) {
  kernels::over_picture_rows(batch, pixels, [&](int thread, int64_t picture, int64_t first, int64_t last) {
    for (int64_t pixel = first; pixel < last; pixel += kBlock) {
      body(thread, picture, pixel, std::min(kBlock, last - pixel));
    }
  });
}

void predict_level(Level& level, int64_t batch, int64_t anchors, int64_t offset, float* predictions) {
  const auto& kernel = kernels::table();
  const int64_t width = kBoxAndObject + level.classes;
  const kernels::PackedShape box_shape{1, level.hidden, kBoxColumns};
  const kernels::PackedShape class_shape{1, level.hidden, level.columns - kBoxColumns};
  Floats packed(level.columns * level.hidden);
  float* packed_classes = packed.get() + kBoxColumns * level.hidden;
  kernel.pack(level.weight.get(), box_shape, 0, 1, level.hidden, packed.get());
  kernel.pack(level.weight.get() + kBoxColumns * level.hidden, class_shape, 0, 1, level.hidden, packed_classes);
  const float* box_bias = level.first[3].data_ptr<float>();
  const float* object_bias = level.first[5].data_ptr<float>();
  const float* class_bias = level.first[7].data_ptr<float>();
  Floats blocks(kBlock * level.columns * kernels::thread_count());
  over_pixel_blocks(batch, level.pixels, [&](int thread, int64_t picture, int64_t pixel, int64_t count) {
    float* block = blocks.get() + thread * kBlock * level.columns;
    const int64_t row = picture * level.pixels + pixel;
    kernel.multiply(level.box.from(row), count, &kNoOffset, packed.get(), box_shape, {block, level.columns});
    kernel.multiply(level.classification.from(row), count, &kNoOffset, packed_classes, class_shape,
                    {block + kBoxColumns, level.columns});
    float* to = predictions + (picture * anchors + offset + pixel) * width;
    for (int64_t i = 0; i < count; ++i, block += level.columns, to += width) {
      for (int64_t k = 0; k < kBox; ++k) to[k] = block[k] + box_bias[k];
      to[kBox] = block[kBox] + object_bias[0];
      for (int64_t k = 0; k < level.classes; ++k) to[kBoxAndObject + k] = block[kBoxColumns + k] + class_bias[k];
    }
  });
}

// Appends the gradients of a level's eight tensors.
void level_gradients(Level& level, int64_t batch, int64_t anchors, int64_t offset, const float* gradients,
                     tensor_list& all) {
  const auto& kernel = kernels::table();
  const int64_t width = kBoxAndObject + level.classes;
  const int64_t class_columns = level.columns - kBoxColumns;
  const kernels::PackedShape box_shape{1, kBoxColumns, level.hidden};
  const kernels::PackedShape class_shape{1, class_columns, level.hidden};
  Floats packed(level.columns * level.hidden);
  float* packed_classes = packed.get() + kBoxColumns * level.hidden;
  kernel.pack(level.weight.get(), box_shape, 0, level.hidden, 1, packed.get());
  kernel.pack(level.weight.get() + kBoxColumns * level.hidden, class_shape, 0, level.hidden, 1, packed_classes);
  const Tensor box = torch::empty_like(level.first[0], level.first[0].options(), at::MemoryFormat::ChannelsLast);
  const Tensor classification = torch::empty_like(box);
  float* box_rows = box.data_ptr<float>();
  float* class_rows = classification.data_ptr<float>();
  const kernels::Segments whole{1, &kNoOffset, &kNoOffset};
  kernels::ThreadSums weights(level.columns * level.hidden);
  kernels::ThreadSums biases(level.columns);
  Floats blocks(kBlock * level.columns * kernels::thread_count());
  over_pixel_blocks(batch, level.pixels, [&](int thread, int64_t picture, int64_t pixel, int64_t count) {
    float* block = blocks.get() + thread * kBlock * level.columns;
    float* bias = biases.of(thread);
    const float* from = gradients + (picture * anchors + offset + pixel) * width;
    std::memset(block, 0, Level::bytes(count * level.columns));
    for (int64_t i = 0; i < count; ++i, from += width) {
      float* to = block + i * level.columns;
      std::memcpy(to, from, Level::bytes(kBoxAndObject));
      std::memcpy(to + kBoxColumns, from + kBoxAndObject, Level::bytes(level.classes));
      for (int64_t k = 0; k < level.columns; ++k) bias[k] += to[k];
    }
    const int64_t row = picture * level.pixels + pixel;
    float* weight = weights.of(thread);
    const Rows<const float> box_part{block, level.columns};
    const Rows<const float> class_part{block + kBoxColumns, level.columns};
    kernel.multiply(box_part, count, &kNoOffset, packed.get(), box_shape,
                    {box_rows + row * level.hidden, level.hidden});
    kernel.multiply(class_part, count, &kNoOffset, packed_classes, class_shape,
                    {class_rows + row * level.hidden, level.hidden});
    kernel.multiply_transposed(box_part, level.box.from(row), count, whole, kBoxColumns, level.hidden,
                               {weight, level.hidden});
    kernel.multiply_transposed(class_part, level.classification.from(row), count, whole, class_columns,
                               level.hidden, {weight + kBoxColumns * level.hidden, level.hidden});
  });
  const Tensor weight = torch::empty({level.columns, level.hidden, 1, 1});
  const Tensor bias = torch::empty({level.columns});
  weights.finish(weight.data_ptr<float>());
  biases.finish(bias.data_ptr<float>());
  const auto part = [](const Tensor& tensor, int64_t first, int64_t count) {
    return tensor.narrow(0, first, count).clone();
  };
  for (const Tensor& gradient :
       {box, classification, part(weight, 0, kBox), part(bias, 0, kBox), part(weight, kBox, 1), part(bias, kBox, 1),
        part(weight, kBoxColumns, level.classes), part(bias, kBoxColumns, level.classes)}) {
    all.push_back(gradient);
  }
}

struct FusedPredictions : Function<FusedPredictions> {
  // Tensors one by one: autograd does not look into lists.
  template <class... Tensors>
  static Tensor forward(AutogradContext* context, const Tensors&... given) {
    tensor_list all{given...};
    int64_t anchors = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      const bool is_picture = i % kTensorsALevel < 2;
      all[i] = is_picture ? with_channels_last_rows(all[i]) : all[i].contiguous();
      if (i % kTensorsALevel == 0) anchors += all[i].size(2) * all[i].size(3);
    }
    const int64_t batch = all[0].size(0);
    const int64_t classes = all[6].size(0);
    Tensor predictions = torch::empty({batch, anchors, kBoxAndObject + classes});
    int64_t offset = 0;
    for (size_t i = 0; i < all.size() / kTensorsALevel; ++i) {
      Level level(all, i);
      predict_level(level, batch, anchors, offset, predictions.data_ptr<float>());
      offset += level.pixels;
    }
    context->save_for_backward(all);
    return predictions;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& output) {
    const tensor_list all = context->get_saved_variables();
    const Tensor gradients = output[0].to(torch::kFloat32).contiguous();
    tensor_list result;
    int64_t offset = 0;
    for (size_t i = 0; i < all.size() / kTensorsALevel; ++i) {
      Level level(all, i);
      level_gradients(level, all[0].size(0), gradients.size(1), offset, gradients.data_ptr<float>(), result);
      offset += level.pixels;
    }
    return result;
  }
};

template <size_t... kIndices>
Tensor apply_fused(const tensor_list& all, std::index_sequence<kIndices...>) {
  return FusedPredictions::apply(all[kIndices]...);
}

}  // namespace

torch::Tensor head_predictions_reference(const HeadLevels& levels) {
  tensor_list tables;
  for (const LevelPredictions& l : levels) {
    const Tensor picture = torch::cat({torch::conv2d(l.box_features, l.box_weight, l.box_bias),
                                       torch::conv2d(l.box_features, l.object_weight, l.object_bias),
                                       torch::conv2d(l.class_features, l.class_weight, l.class_bias)},
                                      1);
    // [B, 5 + C, H, W] -> [B, H * W, 5 + C]
    tables.push_back(picture.permute({0, 2, 3, 1}).reshape({picture.size(0), -1, picture.size(1)}));
  }
  return torch::cat(tables, 1);
}

torch::Tensor head_predictions(const HeadLevels& levels) {
  const tensor_list all = flat(levels);
  bool takes = !at::autocast::is_cpu_enabled() && levels[0].box_features.size(1) % kernels::kChannelStep == 0;
  for (const Tensor& tensor : all) {
    takes = takes && tensor.device().is_cpu() && tensor.scalar_type() == torch::kFloat32 && tensor.numel() > 0;
  }
  if (!takes) return head_predictions_reference(levels);
  return apply_fused(all, std::make_index_sequence<std::tuple_size_v<HeadLevels> * kTensorsALevel>());
}

}  // namespace grapnel::detection
