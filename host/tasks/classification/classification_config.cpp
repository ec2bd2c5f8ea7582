#include "tasks/classification/classification_config.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tasks/classification/fashion_mnist_dataset.hpp"

namespace grapnel::classification {
namespace {

using runner::RunConfig;

std::shared_ptr<const TableVariants> transforms() {
  auto variants = std::make_shared<TableVariants>();
  variants->name = "fashion_mnist_transform";
  variants->note = "Which transform";
  TableShape flip = FashionMnistDataset::transform_shape("RandomFlip");
  describe(flip, {{"type", "Mirrors the picture left to right"}, {"prob", "Chance that it is applied"}});
  variants->add("RandomFlip", std::move(flip));
  TableShape shift = FashionMnistDataset::transform_shape("RandomShift");
  describe(shift, {{"type", "Shifts the picture"}, {"max_px", "Largest shift to any side, in px"}});
  variants->add("RandomShift", std::move(shift));
  return variants;
}

std::vector<TableVariant> models() {
  TableShape shape;
  read_small_conv_net_config(Section(ConfigNode::table(), "model", shape));
  describe(shape, {{"type", "Three convolutions and a linear layer, for Fashion-MNIST"},
                   {"num_classes", "Classes that it tells apart"},
                   {"channels", "Channels of the first convolution; the last has four times as many"}});
  TableVariants variants;
  variants.add("SmallConvNet", std::move(shape));
  return std::move(variants.all);
}

std::vector<TableVariant> datasets() {
  TableShape shape = FashionMnistDataset::config_shape();
  describe(shape,
           {{"type", "Fashion-MNIST's own files: 60,000 grey pictures of clothes, and 10,000 to test on"},
            {"data_root", "Folder of the four files"},
            {"max_samples", "Takes the first ones only; 0: all"},
            {"metainfo", "What is known of the data"},
            {"metainfo.classes", "Names of the ten classes"},
            {"pipeline", "What is done to each picture, in order"}});
  KeyShape& pipeline = shape.known("pipeline");
  pipeline.variants = transforms();
  pipeline.form = KeyShape::Form::kList;
  TableVariants variants;
  variants.add("FashionMNIST", std::move(shape));
  return std::move(variants.all);
}

std::vector<TableVariant> evaluators() {
  TableShape shape;
  read_accuracy(Section(ConfigNode::table(), "val_evaluator", shape));
  describe(shape, {{"type", "How many of 100 pictures get the right class"}});
  TableVariants variants;
  variants.add("Accuracy", std::move(shape));
  return std::move(variants.all);
}

}  // namespace

SmallConvNetConfig read_small_conv_net_config(Section model) {
  SmallConvNetConfig config;
  model.choice("type", {"SmallConvNet"});
  config.num_classes = model.integer_or("num_classes", 10, {1, 100000});
  config.channels = model.integer_or("channels", 16, {1, 1024});
  model.finish();
  return config;
}

void read_accuracy(Section evaluator) {
  evaluator.choice_or("type", "Accuracy", {"Accuracy"});
  evaluator.finish();
}

runner::TaskShapes classification_shapes() { return {models(), datasets(), evaluators(), ""}; }

void check_classification_config(const RunConfig& run) {
  read_small_conv_net_config(Section(run.model, "model"));
  for (const auto* loader : {&run.train_dataloader, &run.val_dataloader, &run.test_dataloader}) {
    if (*loader) FashionMnistDataset::check_config((*loader)->dataset, (*loader)->path + ".dataset");
  }
  if (run.val_evaluator.kind() == ConfigNode::Kind::kTable)
    read_accuracy(Section(run.val_evaluator, "val_evaluator"));
  if (run.test_evaluator.kind() == ConfigNode::Kind::kTable)
    read_accuracy(Section(run.test_evaluator, "test_evaluator"));
}

}  // namespace grapnel::classification
