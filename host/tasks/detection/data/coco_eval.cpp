#include "tasks/detection/data/coco_eval.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace grapnel::detection::data {
namespace {

constexpr size_t kThresholds = 10;  // IoU 0.50, 0.55, ..., 0.95
constexpr size_t kRecalls = 101;    // recall 0, 0.01, ..., 1
constexpr size_t kAreas = 4;        // all, small, medium, large
constexpr std::array<size_t, 3> kMaxDetections = {1, 10, 100};
constexpr std::array<std::array<double, 2>, kAreas> kAreaRanges = {
    {{0, 1e10}, {0, 32.0 * 32.0}, {32.0 * 32.0, 96.0 * 96.0}, {96.0 * 96.0, 1e10}}};

// NumPy's linspace, bit for bit: the thresholds decide which of two equal overlaps counts.
template <size_t N>
std::array<double, N> linspace(double first, double last) {
  std::array<double, N> values{};
  const double step = (last - first) / static_cast<double>(N - 1);
  for (size_t i = 0; i < N; ++i) values[i] = static_cast<double>(i) * step + first;
  values[N - 1] = last;
  return values;
}

double area_of(const CocoDetection& detection) {
  return detection.bbox_xywh_px[2] * detection.bbox_xywh_px[3];
}

// pycocotools' bbIou; against a crowd the union is the detection's own area.
double overlap(const std::array<double, 4>& found, const CocoAnnotation& truth) {
  const auto& box = truth.bbox_xywh_px;
  const double w = std::fmin(found[2] + found[0], box[2] + box[0]) - std::fmax(found[0], box[0]);
  if (w <= 0) return 0;
  const double h = std::fmin(found[3] + found[1], box[3] + box[1]) - std::fmax(found[1], box[1]);
  if (h <= 0) return 0;
  const double intersection = w * h;
  const double found_area = found[2] * found[3];
  const double united = truth.iscrowd ? found_area : found_area + box[2] * box[3] - intersection;
  return intersection / united;
}

// One image, one class: the ground truth and the best 100 detections, best first.
struct Cell {
  std::vector<const CocoAnnotation*> truth;
  std::vector<const CocoDetection*> found;
};

// How the detections of one cell fared in one size range.
struct Match {
  std::vector<double> scores;                             // best first
  std::array<std::vector<uint8_t>, kThresholds> matched;  // a detection has a ground truth
  std::array<std::vector<uint8_t>, kThresholds> ignored;  // and does not count either way
  size_t counted_truth = 0;
};

class CellMatcher {
 public:
  explicit CellMatcher(const Cell& cell) : cell_(cell), overlaps_(cell.found.size() * cell.truth.size()) {
    for (size_t d = 0; d < cell.found.size(); ++d) {
      for (size_t g = 0; g < cell.truth.size(); ++g) {
        overlaps_[d * cell.truth.size() + g] = overlap(cell.found[d]->bbox_xywh_px, *cell.truth[g]);
      }
    }
  }

  Match match(const std::array<double, 2>& range, const std::array<double, kThresholds>& thresholds) const {
    const auto outside = [&](double area) { return area < range[0] || area > range[1]; };
    std::vector<uint8_t> skip(cell_.truth.size());
    for (size_t g = 0; g < skip.size(); ++g)
      skip[g] = cell_.truth[g]->iscrowd || outside(cell_.truth[g]->area_px2);
    std::vector<size_t> order(cell_.truth.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return skip[a] < skip[b]; });

    Match result;
    result.counted_truth = static_cast<size_t>(std::count(skip.begin(), skip.end(), 0));
    for (const CocoDetection* found : cell_.found) result.scores.push_back(found->score);
    for (size_t t = 0; t < kThresholds; ++t) {
      result.matched[t].assign(cell_.found.size(), 0);
      result.ignored[t].assign(cell_.found.size(), 0);
      match_at(thresholds[t], order, skip, result.matched[t], result.ignored[t]);
      for (size_t d = 0; d < cell_.found.size(); ++d) {
        if (!result.matched[t][d] && outside(area_of(*cell_.found[d]))) result.ignored[t][d] = 1;
      }
    }
    return result;
  }

 private:
  void match_at(double threshold, const std::vector<size_t>& order, const std::vector<uint8_t>& skip,
                std::vector<uint8_t>& matched, std::vector<uint8_t>& ignored) const {
    std::vector<uint8_t> taken(cell_.truth.size(), 0);
    for (size_t d = 0; d < cell_.found.size(); ++d) {
      double best = std::min(threshold, 1 - 1e-10);
      const CocoAnnotation* chosen = nullptr;
      size_t chosen_index = 0;
      for (const size_t g : order) {
        if (taken[g] && !cell_.truth[g]->iscrowd) continue;
        // What is ignored comes last: a match that counts is never given up for one that does not.
        if (chosen && !skip[chosen_index] && skip[g]) break;
        const double iou = overlaps_[d * cell_.truth.size() + g];
        if (iou < best) continue;
        best = iou;
        chosen = cell_.truth[g];
        chosen_index = g;
      }
      if (!chosen) continue;
      ignored[d] = skip[chosen_index];
      matched[d] = chosen->id != 0;  // pycocotools keeps the id as the mark of a match
      taken[chosen_index] = 1;
    }
  }

  const Cell& cell_;
  std::vector<double> overlaps_;  // [detections, truth]
};

// Precision at the 101 recalls and the recall reached, for one class, size range and limit of detections.
struct Curve {
  bool defined = false;  // false: no ground truth
  std::array<std::array<double, kRecalls>, kThresholds> precision{};
  std::array<double, kThresholds> recall{};
};

Curve accumulate(const std::vector<const Match*>& images, size_t limit,
                 const std::array<double, kRecalls>& recalls) {
  struct Place {
    double score;
    const Match* match;
    size_t index;
  };
  Curve curve;
  size_t truth = 0;
  std::vector<Place> places;
  for (const Match* match : images) {
    truth += match->counted_truth;
    for (size_t d = 0; d < std::min(limit, match->scores.size()); ++d)
      places.push_back({match->scores[d], match, d});
  }
  if (truth == 0) return curve;
  curve.defined = true;
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.score > b.score; });

  const double spacing = std::numeric_limits<double>::epsilon();
  std::vector<double> recall(places.size());
  std::vector<double> precision(places.size());
  for (size_t t = 0; t < kThresholds; ++t) {
    double hits = 0;
    double misses = 0;
    for (size_t i = 0; i < places.size(); ++i) {
      if (!places[i].match->ignored[t][places[i].index]) {
        (places[i].match->matched[t][places[i].index] ? hits : misses) += 1;
      }
      recall[i] = hits / static_cast<double>(truth);
      precision[i] = hits / (misses + hits + spacing);
    }
    for (size_t i = places.size(); i-- > 1;) precision[i - 1] = std::max(precision[i - 1], precision[i]);
    curve.recall[t] = places.empty() ? 0 : recall.back();
    for (size_t r = 0; r < kRecalls; ++r) {
      const auto at = std::lower_bound(recall.begin(), recall.end(), recalls[r]) - recall.begin();
      curve.precision[t][r] =
          at < static_cast<std::ptrdiff_t>(places.size()) ? precision[static_cast<size_t>(at)] : 0;
    }
  }
  return curve;
}

// Mean over what is defined; -1 if nothing is.
class Mean {
 public:
  void add(double value) {
    sum_ += value;
    ++count_;
  }
  double value() const { return count_ == 0 ? -1 : sum_ / static_cast<double>(count_); }

 private:
  long double sum_ = 0;
  size_t count_ = 0;
};

// Curves of all classes: [class][area][limit].
using ClassCurves = std::array<std::array<Curve, kMaxDetections.size()>, kAreas>;

double mean_precision(const ClassCurves* first, const ClassCurves* last, size_t area, int threshold) {
  Mean mean;
  for (const ClassCurves* curves = first; curves != last; ++curves) {
    const Curve& curve = (*curves)[area][kMaxDetections.size() - 1];
    if (!curve.defined) continue;
    for (size_t t = 0; t < kThresholds; ++t) {
      if (threshold >= 0 && t != static_cast<size_t>(threshold)) continue;
      for (const double precision : curve.precision[t]) mean.add(precision);
    }
  }
  return mean.value();
}

double mean_recall(const std::vector<ClassCurves>& classes, size_t area, size_t limit) {
  Mean mean;
  for (const ClassCurves& curves : classes) {
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

// Everything of the selection by class and image, ascending: pycocotools' order, which decides ties.
std::map<int64_t, std::map<int64_t, Cell>> sort_into_cells(const CocoAnnotations& truth,
                                                           const std::vector<CocoDetection>& detections,
                                                           const std::vector<int64_t>& image_ids,
                                                           const std::vector<int64_t>& category_ids) {
  std::map<int64_t, std::map<int64_t, Cell>> cells;
  const auto selected = [](const std::vector<int64_t>& ids, int64_t id) {
    return std::binary_search(ids.begin(), ids.end(), id);
  };
  for (const CocoAnnotation& one : truth.annotations) {
    if (selected(image_ids, one.image_id) && selected(category_ids, one.category_id)) {
      cells[one.category_id][one.image_id].truth.push_back(&one);
    }
  }
  for (const CocoDetection& one : detections) {
    if (selected(image_ids, one.image_id) && selected(category_ids, one.category_id)) {
      cells[one.category_id][one.image_id].found.push_back(&one);
    }
  }
  for (auto& [category, images] : cells) {
    for (auto& [image, cell] : images) {
      std::stable_sort(cell.found.begin(), cell.found.end(),
                       [](const CocoDetection* a, const CocoDetection* b) { return a->score > b->score; });
      if (cell.found.size() > kMaxDetections.back()) cell.found.resize(kMaxDetections.back());
    }
  }
  return cells;
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

  const auto thresholds = linspace<kThresholds>(0.5, 0.95);
  const auto recalls = linspace<kRecalls>(0.0, 1.0);
  const auto cells = sort_into_cells(truth, detections, image_ids, category_ids);
  std::vector<ClassCurves> classes(category_ids.size());
  for (size_t k = 0; k < category_ids.size(); ++k) {
    const auto images = cells.find(category_ids[k]);
    if (images == cells.end()) continue;
    std::array<std::vector<Match>, kAreas> matches;
    for (const auto& [image, cell] : images->second) {
      const CellMatcher matcher(cell);
      for (size_t a = 0; a < kAreas; ++a) matches[a].push_back(matcher.match(kAreaRanges[a], thresholds));
    }
    for (size_t a = 0; a < kAreas; ++a) {
      std::vector<const Match*> pointers;
      for (const Match& match : matches[a]) pointers.push_back(&match);
      for (size_t m = 0; m < kMaxDetections.size(); ++m) {
        classes[k][a][m] = accumulate(pointers, kMaxDetections[m], recalls);
      }
    }
  }

  CocoEvaluation result;
  const ClassCurves* first = classes.data();
  const ClassCurves* last = first + classes.size();
  result.stats = {mean_precision(first, last, 0, -1), mean_precision(first, last, 0, 0),
                  mean_precision(first, last, 0, 5),  mean_precision(first, last, 1, -1),
                  mean_precision(first, last, 2, -1), mean_precision(first, last, 3, -1),
                  mean_recall(classes, 0, 0),         mean_recall(classes, 0, 1),
                  mean_recall(classes, 0, 2),         mean_recall(classes, 1, 2),
                  mean_recall(classes, 2, 2),         mean_recall(classes, 3, 2)};
  std::unordered_map<int64_t, std::string> names;
  for (const CocoCategory& category : truth.categories) names[category.id] = category.name;
  for (size_t k = 0; k < category_ids.size(); ++k) {
    result.classes.push_back(
        {category_ids[k], names[category_ids[k]], mean_precision(first + k, first + k + 1, 0, -1)});
  }
  return result;
}

}  // namespace grapnel::detection::data
