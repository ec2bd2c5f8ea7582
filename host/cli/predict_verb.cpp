// grapnel predict.
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/process_tuning.hpp"
#include "cli/session.hpp"
#include "cli/verbs.hpp"
#include "core/config_file.hpp"
#include "core/logging.hpp"
#include "runner/weights.hpp"
#include "tasks/detection/predict.hpp"

namespace grapnel::cli {
namespace {

struct PredictArguments {
  std::string config, checkpoint;
  std::vector<std::string> overrides;
  detection::PredictOptions predict;
};

// Names, ids and the size come from the data that the model is evaluated on; without it numbers must do.
void describe_classes(detection::DetectionTask& task, const runner::RunConfig& run, detection::PredictOptions& predict) {
  predict.size_px = task.image_size();
  if (!run.val_dataloader) return;
  try {
    const auto dataset = task.make_dataset(runner::Split::kVal, run.val_dataloader->dataset, run.val_dataloader->path + ".dataset");
    const auto& coco = dynamic_cast<const detection::data::CocoDataset&>(*dataset);
    predict.class_names = coco.meta().classes;
    predict.category_ids = coco.category_ids();
    predict.size_px = {coco.output_size().height_px, coco.output_size().width_px};
  } catch (const Failure& failure) {
    spdlog::warn("classes are shown as numbers: {}", failure.what());
  }
}

int predict(PredictArguments& arguments) {
  set_up_logging({"WARNING"});
  const auto run = runner::read_run_config(load_config(arguments.config, arguments.overrides));
  tune_torch(run.threads);
  const auto task = make_task(run.model);
  auto* detector = dynamic_cast<detection::DetectionTask*>(task.get());
  if (detector == nullptr) {
    throw Failure(FailureKind::kConfig, {"only detectors draw boxes", arguments.config + ", model.type", "", "\"YOLOX\"", ""});
  }
  runner::load_weights(detector->model(), arguments.checkpoint);
  describe_classes(*detector, run, arguments.predict);
  if (arguments.predict.size_px[0] == 0) arguments.predict.size_px = {640, 640};
  const int64_t drawn = detection::predict_pictures(*detector, arguments.predict);
  std::printf("%s: %zu pictures with %lld boxes of score %.2f and more, results.json\n", arguments.predict.out.c_str(),
              arguments.predict.pictures.size(), static_cast<long long>(drawn), arguments.predict.draw_threshold);
  return 0;
}

}  // namespace

void add_predict_verb(CLI::App& app, Verb& verb, char** argv) {
  auto arguments = std::make_shared<PredictArguments>();
  CLI::App* sub = app.add_subcommand("predict", "Draws a detector's boxes into pictures");
  sub->add_option("CONFIG", arguments->config, "The run's TOML file")->required();
  sub->add_option("IMAGE", arguments->predict.pictures, "Pictures")->required();
  sub->add_option("--checkpoint", arguments->checkpoint, "The weights")->type_name("CKPT")->required();
  sub->add_option("--out", arguments->predict.out, "Folder for the pictures and results.json")->type_name("DIR")->required();
  sub->add_option("--score", arguments->predict.draw_threshold, "Boxes below are not drawn")
      ->check(CLI::Range(0.0, 1.0))->capture_default_str();
  sub->add_option("--set", arguments->overrides, "Overrides one key")->type_name("KEY=VALUE")->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  sub->callback([&verb, arguments, argv] {
    verb = [arguments, argv] { tune_process(argv); return predict(*arguments); };
  });
}

}  // namespace grapnel::cli
