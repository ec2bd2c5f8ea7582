// Saves pictures of a validation or test with their boxes: truth at the left, what was found at the right.
#include <grapnel/hook.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <utility>
#include <vector>

#include "detection_batch.hpp"
#include "drawing/labelled_boxes.hpp"
#include "drawing/panels.hpp"
#include "drawing/printable_text.hpp"

namespace {

namespace fs = std::filesystem;
using detvis::DetectionBatch;
using grapnel::Error;

// Whole or not at all.
void write_picture(const fs::path& path, const cv::Mat& picture) {
  std::vector<uint8_t> jpeg;
  cv::imencode(".jpg", picture, jpeg, {cv::IMWRITE_JPEG_QUALITY, 92});
  const fs::path part = path.string() + ".part";
  std::ofstream file(part, std::ios::binary);
  file.write(reinterpret_cast<const char*>(jpeg.data()), static_cast<std::streamsize>(jpeg.size()));
  file.close();
  std::error_code error;
  if (file) fs::rename(part, path, error);
  if (!file || error) {
    std::error_code ignored;
    fs::remove(part, ignored);
    throw Error("cannot write the picture " + path.string() + (error ? ": " + error.message() : ""));
  }
}

class DetVisualizationHook : public grapnel::Hook {
 public:
  explicit DetVisualizationHook(const grapnel::Setup& setup)
      : Hook(setup),
        draw_(setup.boolean("draw")),
        interval_(setup.integer("interval")),
        score_threshold_(setup.number("score_thr")),
        out_dir_(setup.text("out_dir")) {
    if (setup.boolean("show")) throw Error("show is true: there is no window here; the pictures are files");
    if (setup.has("test_out_dir")) test_out_dir_ = setup.text("test_out_dir");
  }

  void before_run(const grapnel::Point&) override {
    if (!draw_) log().info("draw is false: no pictures are saved");
  }

  void before_val_epoch(const grapnel::Point&) override { seen_ = 0; }
  void before_test_epoch(const grapnel::Point&) override { seen_ = 0; }
  // The same pictures at each validation, so that they can be compared.
  void after_val_iter(const grapnel::Point& at) override {
    if (draw_) save(at, fs::path(runner().log_dir()) / out_dir_, "val", interval_);
  }
  void after_test_iter(const grapnel::Point& at) override {
    if (draw_ && !test_out_dir_.empty()) save(at, fs::path(runner().log_dir()) / test_out_dir_, "test", 1);
  }

 private:
  void save(const grapnel::Point& at, const fs::path& folder, const char* mode, int64_t interval) {
    if (collectives().rank() > 0) return;
    const DetectionBatch batch(values());
    if (!batch.missing().empty()) {
      if (!std::exchange(said_, true)) {
        log().warning("no pictures are saved: the task gives no \"" + batch.missing() +
                      "\", as detection does");
      }
      return;
    }
    for (int64_t i = 0; i < batch.size(); ++i, ++seen_) {
      if (seen_ % interval != 0) continue;
      const detvis::Picture picture = batch.picture(i, score_threshold_);
      make_folder(folder);
      write_picture(folder / name_of(mode, picture.image_id, at.iter), both_panels(at.mode, picture));
    }
  }

  static void make_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) throw Error("cannot make the folder " + folder.string() + ": " + error.message());
  }

  // Sorted by name, the versions of one picture stand together in the order of training.
  static std::string name_of(const char* mode, int64_t image_id, int64_t iter) {
    char name[80];
    std::snprintf(name, sizeof name, "%s_%06lld_iter_%06lld.jpg", mode, static_cast<long long>(image_id),
                  static_cast<long long>(iter));
    return name;
  }

  cv::Mat both_panels(int32_t mode, const detvis::Picture& picture) const {
    const auto drawn = [&](const std::vector<detvis::Box>& boxes, bool with_scores) {
      std::vector<grapnel::drawing::LabelledBox> labelled;
      for (const detvis::Box& box : boxes) {
        char score[16] = "";
        if (with_scores) std::snprintf(score, sizeof score, " %.2f", box.score);
        labelled.push_back({box.x1, box.y1, box.x2, box.y2, static_cast<size_t>(box.label),
                            class_name(mode, box.label) + score});
      }
      return grapnel::drawing::draw_boxes(picture.pixels, labelled);
    };
    return grapnel::drawing::side_by_side(
        drawn(picture.truth, false), "truth: " + std::to_string(picture.truth.size()),
        drawn(picture.found, true), "found: " + std::to_string(picture.found.size()));
  }

  std::string class_name(int32_t mode, int64_t label) const {
    const std::string number = "class " + std::to_string(label);
    return grapnel::drawing::ascii_form_or(data().class_name(mode, static_cast<uint64_t>(label)), number);
  }

  bool draw_;
  int64_t interval_;
  double score_threshold_;
  std::string out_dir_, test_out_dir_;
  int64_t seen_ = 0;  // pictures of this evaluation
  bool said_ = false;
};

}  // namespace

GRAPNEL_HOOK(DetVisualizationHook, "1.0.0", "Saves pictures of a validation: truth beside what was found",
             grapnel::bool_option("draw", "false", "whether pictures are saved at all"),
             grapnel::int_option("interval", "50", "every n-th picture of a validation, from the first", 1),
             grapnel::float_option("score_thr", "0.3", "boxes below this score are not drawn", 0, 1),
             grapnel::bool_option("show", "false", "only false: there is no window"),
             grapnel::string_option("out_dir", "\"vis_data/vis_image\"",
                                    "folder of validation pictures, in the run's log folder or absolute"),
             grapnel::optional(
                 grapnel::string_option("test_out_dir", nullptr,
                                        "folder of all test pictures, likewise; left out: none are saved")));
