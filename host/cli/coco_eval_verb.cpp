// grapnel coco-eval.
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/verbs.hpp"
#include "tasks/detection/data/coco_eval.hpp"

namespace grapnel::cli {

void add_coco_eval_verb(CLI::App& app, Verb& verb) {
  struct Arguments {
    std::string annotations, results;
    std::array<int64_t, 3> max_detections = {1, 10, 100};
    bool ignore_classes = false;
    bool json = false;
    bool curves = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* sub =
      app.add_subcommand("coco-eval", "COCO's twelve numbers and AP a class, as pycocotools gives them");
  sub->add_option("ANNOTATIONS", arguments->annotations, "COCO JSON with the ground truth")->required();
  sub->add_option("RESULTS", arguments->results,
                  "COCO results: [{image_id, category_id, bbox, score}], or masks instead of boxes")
      ->required();
  sub->add_option("--max-dets", arguments->max_detections, "Three limits of detections a picture")
      ->capture_default_str();
  sub->add_flag("--ignore-classes", arguments->ignore_classes,
                "Evaluate as if there were one class (useCats = 0)");
  sub->add_flag("--json", arguments->json, "Every digit, as JSON");
  sub->add_flag("--curves", arguments->curves,
                "With --json: pycocotools' whole precision and recall arrays too");
  sub->callback([&verb, arguments] {
    verb = [arguments] {
      detection::data::CocoEvalOptions options;
      options.max_detections = arguments->max_detections;
      options.use_categories = !arguments->ignore_classes;
      options.keep_curves = arguments->json && arguments->curves;
      const auto evaluation =
          detection::data::evaluate_coco_files(arguments->annotations, arguments->results, options);
      for (const std::string& note : evaluation.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
      const std::string text = arguments->json ? detection::data::coco_json(evaluation) + "\n"
                                               : detection::data::coco_table(evaluation);
      std::fputs(text.c_str(), stdout);
      return 0;
    };
  });
}

}  // namespace grapnel::cli
