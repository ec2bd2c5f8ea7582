#include "tasks/detection/predict.hpp"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "core/atomic_file.hpp"
#include "core/failure.hpp"
#include "tasks/detection/coco_results_file.hpp"
#include "tasks/detection/data/picture_file.hpp"

namespace grapnel::detection {
namespace {

namespace fs = std::filesystem;

// Colours of equal brightness around the colour circle, far apart for neighbouring labels.
cv::Scalar colour_of(size_t label) {
  const double angle = std::fmod(static_cast<double>(label) * 137.508, 360.0) * CV_PI / 180.0;
  return {127 + 127 * std::cos(angle), 127 + 127 * std::cos(angle - 2.0944), 127 + 127 * std::cos(angle + 2.0944)};
}

void draw(cv::Mat& picture, const float* box, const std::string& text, const cv::Scalar& colour) {
  const cv::Point from(static_cast<int>(box[0]), static_cast<int>(box[1]));
  const cv::Point to(static_cast<int>(box[2]), static_cast<int>(box[3]));
  const double font = std::max(0.3, std::min(picture.rows, picture.cols) / 900.0);
  cv::rectangle(picture, from, to, colour, std::max(1, picture.cols / 400));
  int below = 0;
  const cv::Size size = cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, font, 1, &below);
  const int top = std::max(from.y, size.height + below);
  cv::rectangle(picture, {from.x, top - size.height - below}, {from.x + size.width, top}, colour, cv::FILLED);
  cv::putText(picture, text, {from.x, top - below / 2 - 1}, cv::FONT_HERSHEY_SIMPLEX, font, {0, 0, 0}, 1, cv::LINE_AA);
}

}  // namespace

int64_t predict_pictures(DetectionTask& task, const PredictOptions& options) {
  std::error_code error;
  fs::create_directories(options.out, error);
  if (error) throw Failure(FailureKind::kRun, {"cannot make the folder", options.out, error.message(), "", ""});
  task.model().eval();
  std::vector<data::CocoDetection> results;
  int64_t drawn = 0;
  for (size_t i = 0; i < options.pictures.size(); ++i) {
    cv::Mat picture = data::read_picture(options.pictures[i]).clone();
    const torch::Tensor boxes = task.detect(picture, options.size_px);
    const float* box = boxes.data_ptr<float>();
    for (int64_t n = 0; n < boxes.size(0); ++n, box += 7) {
      const auto label = static_cast<size_t>(box[6]);
      const double score = double{box[4]} * double{box[5]};
      const int64_t category = label < options.category_ids.size() ? options.category_ids[label] : static_cast<int64_t>(label) + 1;
      results.push_back({static_cast<int64_t>(i) + 1, category, {box[0], box[1], box[2] - box[0], box[3] - box[1]}, score});
      if (score < options.draw_threshold) continue;
      char text[96];
      std::snprintf(text, sizeof text, "%.60s %.2f",
                    label < options.class_names.size() ? options.class_names[label].c_str() : std::to_string(label).c_str(), score);
      draw(picture, box, text, colour_of(label));
      ++drawn;
    }
    std::vector<uint8_t> jpeg;
    cv::imencode(".jpg", picture, jpeg, {cv::IMWRITE_JPEG_QUALITY, 92});
    const std::string name = fs::path(options.pictures[i]).stem().string() + ".jpg";
    write_file_atomically((fs::path(options.out) / name).string(),
                          std::string_view(reinterpret_cast<const char*>(jpeg.data()), jpeg.size()));
  }
  write_coco_results((fs::path(options.out) / "results.json").string(), results);
  return drawn;
}

}  // namespace grapnel::detection
