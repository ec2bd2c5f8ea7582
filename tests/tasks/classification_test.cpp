#include "tasks/classification/classification_task.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>

#include "../core/temporary_folder.hpp"
#include "core/config_file.hpp"
#include "core/failure.hpp"
#include "runner/data_loader.hpp"
#include "tasks/classification/fashion_mnist_dataset.hpp"

namespace grapnel::classification {
namespace {

using runner::Split;
using ::testing::AllOf;
using ::testing::HasSubstr;

ConfigNode table(const std::string& toml) { return parse_value(toml, {"test.toml", 1}); }

std::unique_ptr<runner::Task> make_task(const std::string& model = "{ type = \"SmallConvNet\" }") {
  auto task = make_classification_task(table(model), "model");
  task->init_weights(1);
  return task;
}

std::vector<std::unique_ptr<runner::Sample>> samples_of(const runner::Dataset& dataset, int64_t first,
                                                        int64_t count) {
  std::vector<std::unique_ptr<runner::Sample>> samples;
  for (int64_t i = first; i < first + count; ++i) samples.push_back(dataset.get({0, 0, i, i}));
  return samples;
}

TEST(Classification, LearnsFarAboveChanceInAHundredSteps) {
  at::set_num_threads(2);
  auto task = make_task();
  auto dataset =
      task->make_dataset(Split::kTrain, table("{ type = \"FashionMNIST\", max_samples = 3200 }"), "train");
  auto groups = task->parameter_groups();
  std::vector<torch::Tensor> parameters;
  for (auto& [name, tensor] : groups[0].parameters) parameters.push_back(tensor);
  torch::optim::SGD optimizer(parameters, torch::optim::SGDOptions(0.1).momentum(0.9));
  task->model().train();
  for (int step = 0; step < 100; ++step) {
    auto batch = task->collate(Split::kTrain, samples_of(*dataset, (step % 50) * 64, 64));
    optimizer.zero_grad();
    task->train_step(batch).loss.backward();
    optimizer.step();
  }
  auto val = task->make_dataset(Split::kVal, table("{ type = \"FashionMNIST\", max_samples = 1000 }"), "val");
  task->model().eval();
  task->begin_evaluation(Split::kVal, *val, {});
  for (int64_t first = 0; first < 1000; first += 250) {
    auto batch = task->collate(Split::kVal, samples_of(*val, first, 250));
    task->eval_step(batch);
  }
  const auto metrics = task->finish_evaluation();
  EXPECT_EQ(metrics[0].first, "accuracy/top1");
  EXPECT_GT(metrics[0].second, 60.0);  // chance is 10
  EXPECT_THAT(task->evaluation_table(), HasSubstr("Sneaker"));
}

TEST(Classification, StartsWithTheSameWeightsForTheSameSeed) {
  auto one = make_task(), two = make_task();
  EXPECT_TRUE(torch::equal(one->model().parameters()[0], two->model().parameters()[0]));
  two->init_weights(2);
  EXPECT_FALSE(torch::equal(one->model().parameters()[0], two->model().parameters()[0]));
}

TEST(Classification, RefusesALabelOutsideTheModelsClasses) {
  auto task = make_task("{ type = \"SmallConvNet\", num_classes = 3 }");
  auto dataset =
      task->make_dataset(Split::kTrain, table("{ type = \"FashionMNIST\", max_samples = 64 }"), "train");
  auto batch = task->collate(Split::kTrain, samples_of(*dataset, 0, 64));
  EXPECT_THAT(test::message_of<Failure>([&] { task->train_step(batch); }),
              AllOf(HasSubstr("model.num_classes"), HasSubstr("below 3")));
}

TEST(Classification, HooksSeeTheNumberOfClassesAndCannotSetIt) {
  auto task = make_task();
  const auto attributes = task->attributes();
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [](const auto& attribute) { return attribute.name == "num_classes"; });
  ASSERT_NE(found, attributes.end());
  EXPECT_EQ(found->module, "head");
  EXPECT_EQ(found->value, runner::AttributeValue(int64_t{10}));
  EXPECT_FALSE(found->writable);
  EXPECT_THROW(task->set_attribute("head", "num_classes", int64_t{3}), Failure);
  bool is_a_module = false;
  for (const auto& module : task->model().named_modules()) is_a_module |= module.key() == "head";
  EXPECT_TRUE(is_a_module);
}

TEST(Classification, TrainsToTheSameWeightsWithAnyNumberOfLoaderThreads) {
  at::set_num_threads(1);
  std::vector<torch::Tensor> ends;
  for (const int workers : {0, 3}) {
    auto task = make_task();
    auto dataset = task->make_dataset(
        Split::kTrain,
        table("{ type = \"FashionMNIST\", max_samples = 320, pipeline = [{ type = \"RandomShift\" }] }"),
        "train");
    runner::DataLoader loader(*dataset, runner::Sampler(dataset->size(), true, 5), {32, workers, 2, false});
    torch::optim::SGD optimizer(task->model().parameters(), torch::optim::SGDOptions(0.05));
    task->model().train();
    loader.start_epoch(0);
    for (auto samples = loader.next(); !samples.empty(); samples = loader.next()) {
      auto batch = task->collate(Split::kTrain, std::move(samples));
      optimizer.zero_grad();
      task->train_step(batch).loss.backward();
      optimizer.step();
    }
    ends.push_back(task->model().parameters()[0].detach().clone());
  }
  EXPECT_TRUE(torch::equal(ends[0], ends[1]));
  EXPECT_FALSE(torch::equal(ends[0], make_task()->model().parameters()[0]));
}

TEST(FashionMnist, DrawsDependOnTheKeyAlone) {
  const FashionMnistDataset dataset(
      table("{ type = \"FashionMNIST\", max_samples = 8, pipeline = [{ type = \"RandomFlip\" }, "
            "{ type = \"RandomShift\", max_px = 4 }] }"),
      "train", true);
  const auto pixels = [&](runner::SampleKey key) {
    return static_cast<const ImageSample&>(*dataset.get(key)).pixels;
  };
  EXPECT_EQ(pixels({7, 1, 3, 5}), pixels({7, 1, 3, 5}));
  int different = 0;
  for (int64_t epoch = 0; epoch < 8; ++epoch) different += pixels({7, epoch, 3, 5}) != pixels({7, 1, 3, 5});
  EXPECT_GE(different, 5);
}

TEST(FashionMnist, SkippedTransformsLeaveThePicture) {
  FashionMnistDataset dataset(table("{ type = \"FashionMNIST\", max_samples = 8, pipeline = [{ type = "
                                    "\"RandomShift\", max_px = 9 }] }"),
                              "train", true);
  const FashionMnistDataset plain(table("{ type = \"FashionMNIST\", max_samples = 8 }"), "train", true);
  const auto before = dataset.version();
  dataset.set_skipped_types({"RandomShift"});
  EXPECT_GT(dataset.version(), before);
  EXPECT_TRUE(dataset.transforms()[0].skipped);
  for (int64_t i = 0; i < 8; ++i) {
    const auto sample = dataset.get({1, 0, i, i});
    EXPECT_EQ(sample->version, dataset.version());
    EXPECT_EQ(static_cast<const ImageSample&>(*sample).pixels,
              static_cast<const ImageSample&>(*plain.get({1, 0, i, i})).pixels);
  }
}

TEST(FashionMnist, NamesWhatIsWrongWithTheFiles) {
  test::TemporaryFolder folder;
  const auto open = [&] {
    return test::message_of<Failure>([&] {
      FashionMnistDataset(table("{ type = \"FashionMNIST\", data_root = \"" + folder.path() + "\" }"), "t",
                          true);
    });
  };
  EXPECT_THAT(open(), AllOf(HasSubstr("train-images-idx3-ubyte.gz"), HasSubstr("dataset-fashion-mnist")));
  using std::string;
  folder.write("train-images-idx3-ubyte.gz", "text");
  EXPECT_THAT(open(), AllOf(HasSubstr("train-images-idx3-ubyte.gz"), HasSubstr("no IDX file")));
  folder.write("train-images-idx3-ubyte.gz", string("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x01x", 17));
  EXPECT_THAT(open(), AllOf(HasSubstr("truncated"), HasSubstr("1 bytes"), HasSubstr("2 bytes")));
  folder.write("train-images-idx3-ubyte.gz", string("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x01xy", 18));
  folder.write("train-labels-idx1-ubyte.gz", string("\0\0\x08\x01\0\0\0\x01\x03", 9));
  EXPECT_THAT(open(), AllOf(HasSubstr("train-labels-idx1-ubyte.gz"), HasSubstr("1 labels"),
                            HasSubstr("2 as there are pictures")));
  folder.write("train-labels-idx1-ubyte.gz", string("\0\0\x08\x01\0\0\0\x02\x03\x0a", 10));
  EXPECT_THAT(open(), AllOf(HasSubstr("wrong label"), HasSubstr("got 10"), HasSubstr("labels below 10")));
  const string gzipped = test::read_file("/usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz");
  folder.write("train-labels-idx1-ubyte.gz", gzipped.substr(0, gzipped.size() / 2));
  EXPECT_THAT(open(), AllOf(HasSubstr("train-labels-idx1-ubyte.gz"), HasSubstr("truncated")));
}

TEST(FashionMnist, RefusesAnUnknownTransformNamingItsLine) {
  EXPECT_THAT(test::message_of<Failure>([] {
                FashionMnistDataset(
                    table("{ type = \"FashionMNIST\", pipeline = [{ type = \"RandomFlop\" }] }"), "t", true);
              }),
              AllOf(HasSubstr("did you mean \"RandomFlip\"?"), HasSubstr("t.pipeline.0.type")));
}

}  // namespace
}  // namespace grapnel::classification
