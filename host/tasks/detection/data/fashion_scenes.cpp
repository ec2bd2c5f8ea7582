#include "tasks/detection/data/fashion_scenes.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <opencv2/imgcodecs.hpp>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "core/failure.hpp"
#include "core/philox.hpp"
#include "tasks/detection/data/scene_painter.hpp"
#include "tasks/idx_file.hpp"

namespace grapnel::detection::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMarker = "fashion_scenes.json";
constexpr std::array<const char*, 10> kClasses = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};
constexpr int kJpegQuality = 95;

struct Part {
  const char* name;         // folder and annotation file
  const char* source_part;  // Fashion-MNIST's name
  int64_t scenes;
  int64_t stream;  // keeps the parts' random streams apart
};

void write_file(const fs::path& path, const void* bytes, size_t size) {
  const auto fail = [&] {
    throw Failure(FailureKind::kRun, {"cannot write the file", path.string(), std::strerror(errno), "", ""});
  };
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (!file) fail();
  const bool written = std::fwrite(bytes, 1, size, file) == size;
  if (std::fclose(file) != 0 || !written) fail();
}

void write_text(const fs::path& path, const std::string& text) { write_file(path, text.data(), text.size()); }

std::string scene_file_name(int64_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "%06lld.jpg", static_cast<long long>(number));
  return name;
}

// Removes the folder unless it was renamed away.
class PartialFolder {
 public:
  explicit PartialFolder(fs::path path) : path_(std::move(path)) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);  // left by a run that was killed
    make(path_);
  }
  ~PartialFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  PartialFolder(const PartialFolder&) = delete;
  PartialFolder& operator=(const PartialFolder&) = delete;

  const fs::path& path() const { return path_; }
  static void make(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error)
      throw Failure(FailureKind::kRun, {"cannot make the folder", path.string(), error.message(), "", ""});
  }

 private:
  fs::path path_;
};

using SceneItems = std::vector<SceneItem>;

std::string annotation_json(const Part& part, const FashionScenesOptions& options,
                            const std::vector<SceneItems>& scenes) {
  std::string text = "{\"info\":{\"description\":\"fashion scenes, " + std::string(part.name) +
                     "\",\"seed\":" + std::to_string(options.seed) + "},\n\"images\":[";
  const std::string size = std::to_string(options.size_px);
  for (size_t i = 0; i < scenes.size(); ++i) {
    const auto number = static_cast<int64_t>(i) + 1;
    text += (i ? ",\n" : "\n") + std::string("{\"id\":") + std::to_string(number) + ",\"file_name\":\"" +
            scene_file_name(number) + "\",\"width\":" + size + ",\"height\":" + size + "}";
  }
  text += "],\n\"annotations\":[";
  int64_t id = 0;
  for (size_t i = 0; i < scenes.size(); ++i) {
    for (const SceneItem& item : scenes[i]) {
      char line[256];
      std::snprintf(line, sizeof line,
                    "%s\n{\"id\":%lld,\"image_id\":%zu,\"category_id\":%d,\"bbox\":[%d,%d,%d,%d],\"area\":%d,"
                    "\"iscrowd\":0}",
                    id ? "," : "", static_cast<long long>(id + 1), i + 1, item.label + 1, item.box_px.x,
                    item.box_px.y, item.box_px.width, item.box_px.height, item.box_px.area());
      text += line;
      ++id;
    }
  }
  text += "],\n\"categories\":[";
  for (size_t i = 0; i < kClasses.size(); ++i) {
    text += (i ? "," : "") + std::string("\n{\"id\":") + std::to_string(i + 1) + ",\"name\":\"" +
            kClasses[i] + "\",\"supercategory\":\"clothing\"}";
  }
  return text + "]}\n";
}

// Paints and writes all scenes of a part, shared out over threads scene by scene.
class PartWriter {
 public:
  PartWriter(const Part& part, const FashionScenesOptions& options, const IdxPictures& source,
             fs::path folder, int64_t done_before)
      : part_(part),
        options_(options),
        source_(source),
        folder_(std::move(folder)),
        scenes_(static_cast<size_t>(part.scenes)),
        done_(done_before) {}

  std::vector<SceneItems> write(int threads) {
    std::vector<std::thread> others;
    const auto work = [this] { paint_until_done(); };
    try {
      for (int i = 1; i < threads; ++i) others.emplace_back(work);
    } catch (const std::system_error&) {
      // Fewer threads than wanted give the same scenes.
    }
    work();
    for (std::thread& one : others) one.join();
    if (error_) std::rethrow_exception(error_);
    return std::move(scenes_);
  }

 private:
  void paint_until_done() {
    while (true) {
      const int64_t i = next_++;
      if (i >= part_.scenes || failed_) return;
      try {
        paint_one(i);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!error_) error_ = std::current_exception();
        failed_ = true;
        return;
      }
    }
  }

  void paint_one(int64_t i) {
    CounterRng rng(options_.seed, part_.stream, i, CounterRng::Purpose::kScene);
    Scene scene = paint_scene(source_, static_cast<int>(options_.size_px), rng);
    std::vector<uint8_t> jpeg;
    if (!cv::imencode(".jpg", scene.image, jpeg, {cv::IMWRITE_JPEG_QUALITY, kJpegQuality})) {
      throw Failure(FailureKind::kRun, {"cannot encode a scene as JPEG", scene_file_name(i + 1), "", "", ""});
    }
    write_file(folder_ / scene_file_name(i + 1), jpeg.data(), jpeg.size());
    scenes_[static_cast<size_t>(i)] = std::move(scene.items);
    const std::lock_guard<std::mutex> lock(mutex_);
    ++done_;
    if (options_.progress) options_.progress(done_, options_.train + options_.val);
  }

  const Part& part_;
  const FashionScenesOptions& options_;
  const IdxPictures& source_;
  fs::path folder_;
  std::vector<SceneItems> scenes_;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  int64_t done_;
  std::exception_ptr error_;
};

void check_options(const FashionScenesOptions& options) {
  const auto refuse = [](const char* what, int64_t got, const char* expected) {
    throw Failure(FailureKind::kConfig, {what, "", std::to_string(got), expected, ""});
  };
  constexpr int64_t kMostScenes = 999999;
  if (options.out.empty()) throw Failure(FailureKind::kConfig, {"no folder to write to", "", "", "", ""});
  if (options.train < 1 || options.train > kMostScenes) {
    refuse("wrong number of training scenes", options.train, "1 to 999999");
  }
  if (options.val < 1 || options.val > kMostScenes)
    refuse("wrong number of val scenes", options.val, "1 to 999999");
  if (options.size_px < 96 || options.size_px > 4096)
    refuse("wrong scene size", options.size_px, "96 to 4096 px");
}

// Only what an earlier call wrote may be replaced.
void check_target(const fs::path& out) {
  std::error_code error;
  if (!fs::exists(out, error)) return;
  const auto refuse = [&](const std::string& got) {
    throw Failure(FailureKind::kConfig, {"the folder holds something else", out.string(), got,
                                         "a new or empty folder, or fashion scenes written before", ""});
  };
  if (!fs::is_directory(out, error)) refuse("no folder");
  if (fs::is_empty(out, error)) return;
  if (!fs::exists(out / kMarker, error)) refuse("files, but no " + std::string(kMarker));
  for (const auto& entry : fs::directory_iterator(out, error)) {
    const std::string name = entry.path().filename().string();
    if (name != kMarker && name != "train" && name != "val" && name != "annotations") refuse(name);
  }
}

void move_into_place(const fs::path& partial, const fs::path& out) {
  const fs::path old = out.parent_path() / ("." + out.filename().string() + ".old");
  std::error_code error;
  fs::remove_all(old, error);
  const bool replaces = fs::exists(out, error);
  if (replaces) fs::rename(out, old, error);
  if (!error) fs::rename(partial, out, error);
  if (error) {
    std::error_code ignored;
    if (replaces && !fs::exists(out, ignored)) fs::rename(old, out, ignored);
    throw Failure(FailureKind::kRun,
                  {"cannot put the scenes into place", out.string(), error.message(), "", ""});
  }
  fs::remove_all(old, error);
}

}  // namespace

void write_fashion_scenes(const FashionScenesOptions& options) {
  check_options(options);
  fs::path out = fs::weakly_canonical(fs::absolute(options.out));
  if (!out.has_filename()) out = out.parent_path();
  check_target(out);

  const std::array<Part, 2> parts = {Part{"train", "train", options.train, 0},
                                     Part{"val", "t10k", options.val, 1}};
  int threads = options.threads > 0 ? options.threads : static_cast<int>(std::thread::hardware_concurrency());
  threads = std::clamp(threads, 1, 64);
  const PartialFolder partial(out.parent_path() / ("." + out.filename().string() + ".partial"));
  PartialFolder::make(partial.path() / "annotations");
  int64_t done = 0;
  for (const Part& part : parts) {
    const IdxPictures source = read_idx_pictures(options.source, part.source_part, kClasses.size());
    if (source.height_px != 28 || source.width_px != 28) {
      throw Failure(FailureKind::kRun,
                    {"no Fashion-MNIST pictures", options.source,
                     std::to_string(source.width_px) + " x " + std::to_string(source.height_px) + " px",
                     "28 x 28 px", ""});
    }
    const fs::path folder = partial.path() / part.name;
    PartialFolder::make(folder);
    const auto scenes = PartWriter(part, options, source, folder, done).write(threads);
    write_text(partial.path() / "annotations" / (std::string(part.name) + ".json"),
               annotation_json(part, options, scenes));
    done += part.scenes;
  }
  write_text(partial.path() / kMarker, "{\"train\":" + std::to_string(options.train) +
                                           ",\"val\":" + std::to_string(options.val) +
                                           ",\"size_px\":" + std::to_string(options.size_px) +
                                           ",\"seed\":" + std::to_string(options.seed) + "}\n");
  move_into_place(partial.path(), out);
}

}  // namespace grapnel::detection::data
