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
#include "tasks/detection/picture_list.hpp"
#include "tasks/detection/predict.hpp"

namespace grapnel::cli {
namespace {

struct PredictArguments {
  std::string config, checkpoint;
  std::vector<std::string> overrides;
  std::vector<std::string> pictures;  // files and folders
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
  const auto pictures = detection::list_pictures(arguments.pictures);
  arguments.predict.pictures = pictures.files;
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
  const auto summary = detection::predict_pictures(*detector, arguments.predict);
  std::printf("%s: %zu pictures with %lld boxes of score %.2f and more, results.json\n", arguments.predict.out.c_str(),
              summary.drawn_pictures, static_cast<long long>(summary.drawn_boxes), arguments.predict.draw_threshold);
  if (pictures.skipped > 0) std::printf("%zu other files in the folders were skipped\n", pictures.skipped);
  if (summary.unreadable_pictures == 0) return 0;
  std::fflush(stdout);
  std::fprintf(stderr, "grapnel: %zu of %zu pictures could not be read\n", summary.unreadable_pictures,
               pictures.files.size());
  return 1;
}

}  // namespace

void add_predict_verb(CLI::App& app, Verb& verb, char** argv) {
  auto arguments = std::make_shared<PredictArguments>();
  CLI::App* sub = app.add_subcommand("predict", "Draws a detector's boxes into pictures");
  sub->add_option("CONFIG", arguments->config, "The run's TOML file")->required();
  sub->add_option("IMAGE", arguments->pictures, "Pictures, and folders of pictures")->required();
  sub->add_option("--checkpoint", arguments->checkpoint, "The weights")->type_name("CKPT")->required();
  sub->add_option("--out", arguments->predict.out, "Folder for the pictures and results.json")->type_name("DIR")->required();
  sub->add_option("--score", arguments->predict.draw_threshold, "Boxes below are not drawn")
      ->check(CLI::Range(0.0, 1.0))->capture_default_str();
  sub->add_option("--batch", arguments->predict.batch_size, "Pictures that the network sees at once")
      ->check(CLI::Range(1, 64))->capture_default_str();
  sub->add_option("--set", arguments->overrides, "Overrides one key")->type_name("KEY=VALUE")->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  sub->callback([&verb, arguments, argv] {
    verb = [arguments, argv] { tune_process(argv); return predict(*arguments); };
  });
}

}  // namespace grapnel::cli
