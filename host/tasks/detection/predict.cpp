#include "tasks/detection/predict.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>

#include "core/atomic_file.hpp"
#include "core/failure.hpp"
#include "core/progress.hpp"
#include "drawing/labelled_boxes.hpp"
#include "drawing/printable_text.hpp"
#include "tasks/detection/coco_results_file.hpp"
#include "tasks/detection/data/picture_file.hpp"
#include "tasks/detection/picture_list.hpp"

namespace grapnel::detection {
namespace {

namespace fs = std::filesystem;

// A picture that was read, at its place in the list.
struct ReadPicture {
  size_t place;
  cv::Mat pixels;
};

// Each class's name in the letters that can be drawn; what has no such form is shown by its number, and that
// is said.
std::vector<std::string> drawable_names(const PredictOptions& options) {
  std::vector<std::string> names;
  for (size_t label = 0; label < options.class_names.size(); ++label) {
    const std::string fallback = "class " + std::to_string(label);
    names.push_back(drawing::ascii_form_or(options.class_names[label], fallback));
    if (names.back() == fallback && options.class_names[label] != fallback) {
      spdlog::warn("the class \"{}\" is shown as \"{}\": its letters cannot be drawn",
                   options.class_names[label], fallback);
    }
  }
  return names;
}

void refuse_to_replace_pictures(const PredictOptions& options, const std::vector<std::string>& copies) {
  std::error_code error;
  for (const std::string& copy : copies) {
    const fs::path path = fs::path(options.out) / copy;
    if (!fs::exists(path, error)) continue;
    for (const std::string& picture : options.pictures) {
      if (!fs::equivalent(path, picture, error) || error) continue;
      throw Failure(FailureKind::kConfig,
                    {"the drawn copy would replace the picture", picture, "--out " + options.out,
                     "a folder that holds none of the pictures", ""});
    }
  }
}

std::string json_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

class Prediction {
 public:
  Prediction(DetectionTask& task, const PredictOptions& options)
      : task_(task),
        options_(options),
        names_(drawable_names(options)),
        copies_(names_of_copies(options.pictures)) {
    refuse_to_replace_pictures(options, copies_);
  }

  PredictSummary run() {
    Progress progress("predict", static_cast<int64_t>(options_.pictures.size()));
    std::vector<ReadPicture> batch;
    for (size_t place = 0; place < options_.pictures.size(); ++place) {
      try {
        batch.push_back({place, data::read_picture(options_.pictures[place])});
      } catch (const Failure& failure) {
        spdlog::warn("left out: {}", failure.what());
        ++summary_.unreadable_pictures;
      }
      if (batch.size() == std::max<size_t>(1, options_.batch_size) || place + 1 == options_.pictures.size()) {
        finish(batch);
        batch.clear();
      }
      progress.update(static_cast<int64_t>(place) + 1);
    }
    write_coco_results((fs::path(options_.out) / "results.json").string(), results_);
    write_file_atomically((fs::path(options_.out) / "images.json").string(), "[" + images_ + "\n]\n");
    return summary_;
  }

 private:
  void finish(const std::vector<ReadPicture>& batch) {
    if (batch.empty()) return;
    std::vector<cv::Mat> pictures;
    for (const ReadPicture& picture : batch) pictures.push_back(picture.pixels);
    const auto found = task_.detect(pictures, options_.size_px);
    for (size_t i = 0; i < batch.size(); ++i) finish_picture(batch[i], found[i]);
  }

  // `found`: [N, 7] as DetectionTask::detect gives it.
  void finish_picture(const ReadPicture& picture, const torch::Tensor& found) {
    const auto id = static_cast<int64_t>(picture.place) + 1;
    std::vector<std::pair<double, drawing::LabelledBox>> shown;
    const float* box = found.data_ptr<float>();
    for (int64_t n = 0; n < found.size(0); ++n, box += 7) {
      const auto label = static_cast<size_t>(box[6]);
      const double score = double{box[4]} * double{box[5]};
      const int64_t category = label < options_.category_ids.size() ? options_.category_ids[label]
                                                                    : static_cast<int64_t>(label) + 1;
      results_.push_back({id, category, {box[0], box[1], box[2] - box[0], box[3] - box[1]}, score});
      if (score < options_.draw_threshold) continue;
      char score_text[16];
      std::snprintf(score_text, sizeof score_text, " %.2f", score);
      const std::string name = label < names_.size() ? names_[label] : "class " + std::to_string(label);
      shown.push_back({score, {box[0], box[1], box[2], box[3], label, name + score_text}});
    }
    std::stable_sort(shown.begin(), shown.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<drawing::LabelledBox> boxes;
    for (auto& one : shown) boxes.push_back(std::move(one.second));
    write_copy(picture, boxes);
    images_ += std::string(images_.empty() ? "\n" : ",\n") + "{\"id\":" + std::to_string(id) +
               ",\"file_name\":" + json_text(options_.pictures[picture.place]) +
               ",\"width\":" + std::to_string(picture.pixels.cols) +
               ",\"height\":" + std::to_string(picture.pixels.rows) +
               ",\"drawn\":" + json_text(copies_[picture.place]) + "}";
    summary_.drawn_boxes += static_cast<int64_t>(boxes.size());
    ++summary_.drawn_pictures;
  }

  void write_copy(const ReadPicture& picture, const std::vector<drawing::LabelledBox>& boxes) const {
    std::vector<uint8_t> jpeg;
    cv::imencode(".jpg", drawing::draw_boxes(picture.pixels, boxes), jpeg, {cv::IMWRITE_JPEG_QUALITY, 92});
    write_file_atomically((fs::path(options_.out) / copies_[picture.place]).string(),
                          std::string_view(reinterpret_cast<const char*>(jpeg.data()), jpeg.size()));
  }

  DetectionTask& task_;
  const PredictOptions& options_;
  std::vector<std::string> names_;
  std::vector<std::string> copies_;
  std::vector<data::CocoDetection> results_;
  std::string images_;  // rows of images.json
  PredictSummary summary_;
};

}  // namespace

PredictSummary predict_pictures(DetectionTask& task, const PredictOptions& options) {
  std::error_code error;
  fs::create_directories(options.out, error);
  if (error)
    throw Failure(FailureKind::kRun, {"cannot make the folder", options.out, error.message(), "", ""});
  task.model().eval();
  return Prediction(task, options).run();
}

}  // namespace grapnel::detection
