#include "tasks/detection/data/coco_eval.hpp"

#include <algorithm>
#include <cstddef>
#include <unordered_map>
#include <utility>

#include "core/failure.hpp"
#include "tasks/detection/data/coco_curves.hpp"
#include "tasks/detection/data/coco_ids.hpp"
#include "tasks/detection/data/coco_match.hpp"

namespace grapnel::detection::data {
namespace {

// Mean over what is defined; -1 if nothing is.
class Mean {
 public:
  void add(double value) {
    sum_ += value;
    ++count_;
  }
  double value() const {
    return count_ == 0 ? -1 : static_cast<double>(sum_ / static_cast<long double>(count_));
  }

 private:
  long double sum_ = 0;
  size_t count_ = 0;
};

double mean_precision(const CocoClassCurves* first, const CocoClassCurves* last, size_t area, int threshold) {
  Mean mean;
  for (const CocoClassCurves* curves = first; curves != last; ++curves) {
    const CocoCurve& curve = (*curves)[area][kCocoLimits - 1];
    if (!curve.defined) continue;
    for (size_t t = 0; t < kCocoThresholds; ++t) {
      if (threshold >= 0 && t != static_cast<size_t>(threshold)) continue;
      for (const double precision : curve.precision[t]) mean.add(precision);
    }
  }
  return mean.value();
}

double mean_recall(const std::vector<CocoClassCurves>& classes, size_t area, size_t limit) {
  Mean mean;
  for (const CocoClassCurves& curves : classes) {
    if (!curves[area][limit].defined) continue;
    for (const double recall : curves[area][limit].recall) mean.add(recall);
  }
  return mean.value();
}

std::vector<int64_t> sorted_unique(std::vector<int64_t> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

struct Place {
  uint32_t category, image;
  bool operator==(const Place& other) const { return category == other.category && image == other.image; }
  bool operator<(const Place& other) const {
    return category != other.category ? category < other.category : image < other.image;
  }
};

// The entries of the selection by class and picture, ascending: pycocotools' order, which decides ties.
template <typename Entry>
class Sorted {
 public:
  Sorted(const std::vector<Entry>& entries, const IdIndex& images, const IdIndex& categories,
         size_t image_count, size_t category_count, bool use_categories) {
    std::vector<std::pair<Place, const Entry*>> selected;
    selected.reserve(entries.size());
    for (const Entry& one : entries) {
      const int64_t image = images.find(one.image_id);
      const int64_t category = categories.find(one.category_id);
      if (image < 0 || category < 0) continue;
      selected.push_back({{static_cast<uint32_t>(category), static_cast<uint32_t>(image)}, &one});
    }
    // Without classes a picture's entries are still in the order of their classes.
    const auto by_image = [](const Place& place) { return place.image; };
    const auto by_category = [](const Place& place) { return place.category; };
    if (use_categories) {
      order_by(selected, image_count, by_image);
      order_by(selected, category_count, by_category);
    } else {
      order_by(selected, category_count, by_category);
      order_by(selected, image_count, by_image);
      for (auto& one : selected) one.first.category = 0;
    }
    entries_ = std::move(selected);
  }

  bool at_end() const { return next_ == entries_.size(); }
  Place place() const { return entries_[next_].first; }
  // All entries of that place, if it is the next one.
  void take(const Place& place, std::vector<const Entry*>& entries) {
    entries.clear();
    while (!at_end() && entries_[next_].first == place) entries.push_back(entries_[next_++].second);
  }

 private:
  using Item = std::pair<Place, const Entry*>;

  template <typename Key>
  static void order_by(std::vector<Item>& items, size_t keys, Key key) {
    std::vector<size_t> starts(keys + 1, 0);
    for (const Item& item : items) ++starts[key(item.first) + 1];
    for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
    std::vector<Item> ordered(items.size());
    for (const Item& item : items) ordered[starts[key(item.first)]++] = item;
    items = std::move(ordered);
  }

  std::vector<Item> entries_;
  size_t next_ = 0;
};

void keep_best(std::vector<const CocoDetection*>& found, size_t limit) {
  std::stable_sort(found.begin(), found.end(),
                   [](const CocoDetection* a, const CocoDetection* b) { return a->score > b->score; });
  if (found.size() > limit) found.resize(limit);
}

// Precision and recall in the order of pycocotools' arrays; -1 where there is nothing to measure.
void keep_curves(const std::vector<CocoClassCurves>& classes, CocoEvaluation& result) {
  for (size_t t = 0; t < kCocoThresholds; ++t) {
    for (size_t r = 0; r < kCocoRecalls; ++r) {
      for (const CocoClassCurves& curves : classes) {
        for (const auto& area : curves) {
          for (const CocoCurve& curve : area) {
            result.precision.push_back(curve.defined ? curve.precision[t][r] : -1);
            if (r == 0) result.recall.push_back(curve.defined ? curve.recall[t] : -1);
          }
        }
      }
    }
  }
}

std::array<size_t, kCocoLimits> limits_of(const CocoEvalOptions& options) {
  std::array<size_t, kCocoLimits> limits{};
  for (size_t i = 0; i < kCocoLimits; ++i) {
    if (options.max_detections[i] < 1) {
      throw Failure(FailureKind::kRun, {"wrong limit of detections a picture", "COCO evaluation",
                                        std::to_string(options.max_detections[i]), "1 or more", ""});
    }
    limits[i] = static_cast<size_t>(options.max_detections[i]);
  }
  std::sort(limits.begin(), limits.end());
  return limits;
}

}  // namespace

CocoEvaluation evaluate_coco(const CocoAnnotations& truth, const std::vector<CocoDetection>& detections,
                             const CocoEvalOptions& options) {
  std::vector<int64_t> image_ids = options.image_ids;
  std::vector<int64_t> category_ids = options.category_ids;
  if (image_ids.empty()) {
    for (const CocoImage& image : truth.images) image_ids.push_back(image.id);
  }
  if (category_ids.empty()) {
    for (const CocoCategory& category : truth.categories) category_ids.push_back(category.id);
  }
  image_ids = sorted_unique(std::move(image_ids));
  category_ids = sorted_unique(std::move(category_ids));
  const std::array<size_t, kCocoLimits> limits = limits_of(options);

  const IdIndex images(image_ids);
  const IdIndex categories(category_ids);
  const auto sort = [&](const auto& entries) {
    using Entry = typename std::decay_t<decltype(entries)>::value_type;
    return Sorted<Entry>(entries, images, categories, image_ids.size(), category_ids.size(),
                         options.use_categories);
  };
  auto sorted_truth = sort(truth.annotations);
  auto sorted_found = sort(detections);

  CocoMatcher matcher(linspace<kCocoThresholds>(0.5, 0.95));
  std::vector<CocoClassCurves> classes(options.use_categories ? category_ids.size() : 1);
  std::vector<const CocoAnnotation*> cell_truth;
  std::vector<const CocoDetection*> cell_found;
  std::vector<CocoScored> scored;
  std::vector<CocoMark> marks;
  for (uint32_t category = 0; category < classes.size(); ++category) {
    scored.clear();
    marks.clear();
    std::array<size_t, kCocoAreas> counted{};
    while (true) {
      const bool more_truth = !sorted_truth.at_end() && sorted_truth.place().category == category;
      const bool more_found = !sorted_found.at_end() && sorted_found.place().category == category;
      if (!more_truth && !more_found) break;
      const Place place = !more_found   ? sorted_truth.place()
                          : !more_truth ? sorted_found.place()
                                        : std::min(sorted_truth.place(), sorted_found.place());
      sorted_truth.take(place, cell_truth);
      sorted_found.take(place, cell_found);
      keep_best(cell_found, limits.back());
      matcher.match(cell_truth, cell_found, marks, counted);
      for (size_t d = 0; d < cell_found.size(); ++d) {
        scored.push_back({cell_found[d]->score, static_cast<uint32_t>(d)});
      }
    }
    classes[category] = accumulate_curves(scored, marks, counted, limits);
  }

  CocoEvaluation result;
  const CocoClassCurves* first = classes.data();
  const CocoClassCurves* last = first + classes.size();
  result.stats = {mean_precision(first, last, 0, -1), mean_precision(first, last, 0, 0),
                  mean_precision(first, last, 0, 5),  mean_precision(first, last, 1, -1),
                  mean_precision(first, last, 2, -1), mean_precision(first, last, 3, -1),
                  mean_recall(classes, 0, 0),         mean_recall(classes, 0, 1),
                  mean_recall(classes, 0, 2),         mean_recall(classes, 1, 2),
                  mean_recall(classes, 2, 2),         mean_recall(classes, 3, 2)};
  result.max_detections = {static_cast<int64_t>(limits[0]), static_cast<int64_t>(limits[1]),
                           static_cast<int64_t>(limits[2])};
  if (options.keep_curves) keep_curves(classes, result);
  if (!options.use_categories) return result;
  std::unordered_map<int64_t, std::string> names;
  for (const CocoCategory& category : truth.categories) names[category.id] = category.name;
  for (size_t k = 0; k < category_ids.size(); ++k) {
    result.classes.push_back(
        {category_ids[k], names[category_ids[k]], mean_precision(first + k, first + k + 1, 0, -1)});
  }
  return result;
}

}  // namespace grapnel::detection::data
