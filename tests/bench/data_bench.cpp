// How many pictures a second one core gets ready for training, for each pipeline that YOLOX recipes use.
//
//   data_bench ANNOTATIONS IMAGES SIZE CACHE_MB SECONDS [PIPELINE...]
//
// IMAGES is the folder of the pictures, SECONDS the time for each pipeline (in ten parts, of which the median
// and the spread are printed). With CACHE_MB above 0 the cache is filled first, as a second epoch finds it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "core/config_text.hpp"
#include "tasks/detection/data/coco_dataset.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using grapnel::detection::data::CocoDataset;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string numbered(const char* format, const std::string& size) {
  std::string text = format;
  for (size_t at = text.find("SIZE"); at != std::string::npos; at = text.find("SIZE"))
    text.replace(at, 4, size);
  return text;
}

// Names and pipelines, as Megvii's recipes have them.
std::map<std::string, std::string> pipelines(const std::string& size) {
  const char* const mosaic = R"({ type = "Mosaic", img_scale = [SIZE, SIZE] },
    { type = "RandomAffine", scaling_ratio_range = [0.1, 2.0] },)";
  const char* const mild = R"({ type = "Mosaic", img_scale = [SIZE, SIZE], prob = 0.5 },
    { type = "RandomAffine", scaling_ratio_range = [0.5, 1.5] },)";
  const char* const mix_up = R"({ type = "MixUp", img_scale = [SIZE, SIZE], ratio_range = [0.5, 1.5] },)";
  const char* const rest = R"({ type = "YOLOXHSVRandomAug" }, { type = "RandomFlip", prob = 0.5 },
    { type = "Resize", scale = [SIZE, SIZE], keep_ratio = true }, { type = "Pad", pad_to_square = true },
    { type = "FilterAnnotations", min_gt_bbox_wh = [1, 1] })";
  const auto list = [&](const std::string& text) {
    return "pipeline = [" + numbered(text.c_str(), size) + "]\n";
  };
  return {{"mosaic_mixup", list(std::string(mosaic) + mix_up + rest)},
          {"mosaic", list(std::string(mosaic) + rest)},
          {"nano_recipe", list(std::string(mild) + rest)},
          {"plain", list(rest)}};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void measure(const std::string& name, CocoDataset& dataset, bool fill, double seconds,
             const std::string& size) {
  int64_t position = 0;
  const auto make = [&](int64_t epoch) {
    dataset.get({1, epoch, position, position % dataset.size()});
    ++position;
  };
  const int64_t warm_up = fill ? dataset.size() * 2 : 8;
  for (int64_t i = 0; i < warm_up; ++i) make(0);
  constexpr int kParts = 10;
  std::vector<double> rates;
  for (int part = 0; part < kParts; ++part) {
    const auto begin = Clock::now();
    int64_t made = 0;
    do {
      make(1);
      ++made;
    } while (seconds_since(begin) < seconds / kParts);
    rates.push_back(static_cast<double>(made) / seconds_since(begin));
  }
  const double middle = median(rates);
  std::printf("%-13s %5s px  %8.1f images/s  (%.1f..%.1f)  %.3f ms an image\n", name.c_str(), size.c_str(),
              middle, *std::min_element(rates.begin(), rates.end()),
              *std::max_element(rates.begin(), rates.end()), 1000 / middle);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fputs("usage: data_bench ANNOTATIONS IMAGES SIZE CACHE_MB SECONDS [PIPELINE...]\n", stderr);
    return 2;
  }
  const std::string size = argv[3];
  const std::string cache_mb = argv[4];
  const std::vector<std::string> wanted(argv + 6, argv + argc);
  cv::setNumThreads(0);
  try {
    for (const auto& [name, pipeline] : pipelines(size)) {
      if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
      const std::string table = "data_root = \"\"\nann_file = \"" + std::string(argv[1]) +
                                "\"\ndata_prefix = { img = \"" + argv[2] + "\" }\ncache_mb = " + cache_mb +
                                "\n" + pipeline;
      const int side = std::atoi(argv[3]);
      CocoDataset dataset(grapnel::parse_toml(table, "data_bench"), "dataset", {side, side});
      measure(name, dataset, std::atoi(argv[4]) > 0, std::atof(argv[5]), size);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "data_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
