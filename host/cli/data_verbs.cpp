// grapnel data fashion-scenes.
#include <cstdio>
#include <memory>

#include "cli/verbs.hpp"
#include "core/progress.hpp"
#include "tasks/detection/data/fashion_scenes.hpp"

namespace grapnel::cli {

void add_data_verbs(CLI::App& app, Verb& verb) {
  CLI::App* data = app.add_subcommand("data", "Makes data sets");
  data->require_subcommand(1);
  auto options = std::make_shared<detection::data::FashionScenesOptions>();
  CLI::App* scenes = data->add_subcommand("fashion-scenes", "Scenes of real clothing with exact boxes, in COCO format");
  scenes->add_option("OUT", options->out, "Folder to make")->required();
  scenes->add_option("--train", options->train, "Training scenes")->capture_default_str();
  scenes->add_option("--val", options->val, "Validation scenes")->capture_default_str();
  scenes->add_option("--size", options->size_px, "Side of a scene in pixels")->capture_default_str();
  scenes->add_option("--seed", options->seed, "The same seed gives the same bytes")->capture_default_str();
  scenes->add_option("--source", options->source, "Folder of Fashion-MNIST's four IDX files")->capture_default_str();
  scenes->callback([&verb, options] {
    verb = [options] {
      {
        Progress progress("making scenes", options->train + options->val);
        options->progress = [&](int64_t done, int64_t) { progress.update(done); };
        detection::data::write_fashion_scenes(*options);
      }
      std::printf("%s: %lld training and %lld validation scenes of %lld x %lld px\n", options->out.c_str(),
                  static_cast<long long>(options->train), static_cast<long long>(options->val),
                  static_cast<long long>(options->size_px), static_cast<long long>(options->size_px));
      return 0;
    };
  });
}

}  // namespace grapnel::cli
