// grapnel coco-eval.
#include <cstdio>
#include <memory>
#include <string>

#include "cli/verbs.hpp"
#include "tasks/detection/data/coco_eval.hpp"

namespace grapnel::cli {

void add_coco_eval_verb(CLI::App& app, Verb& verb) {
  struct Arguments {
    std::string annotations, results;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* sub = app.add_subcommand("coco-eval", "COCO's twelve numbers and AP a class, as pycocotools gives them");
  sub->add_option("ANNOTATIONS", arguments->annotations, "COCO JSON with the ground truth")->required();
  sub->add_option("RESULTS", arguments->results, "COCO results: [{image_id, category_id, bbox, score}]")->required();
  sub->add_flag("--json", arguments->json, "Every digit, as JSON");
  sub->callback([&verb, arguments] {
    verb = [arguments] {
      const auto evaluation = detection::data::evaluate_coco_files(arguments->annotations, arguments->results);
      const std::string text = arguments->json ? detection::data::coco_json(evaluation) + "\n"
                                               : detection::data::coco_table(evaluation);
      std::fputs(text.c_str(), stdout);
      return 0;
    };
  });
}

}  // namespace grapnel::cli
