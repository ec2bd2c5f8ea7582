#include "tasks/detection/data/image_cache.hpp"

#include <utility>

namespace grapnel::detection::data {
namespace {

int64_t bytes_of(const cv::Mat& image) { return static_cast<int64_t>(image.total() * image.elemSize()); }

}  // namespace

cv::Mat ImageCache::find(const Key& key) const {
  if (limit_bytes_ == 0) return {};
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  const auto found = pictures_.find(key);
  return found == pictures_.end() ? cv::Mat() : found->second;
}

void ImageCache::put(const Key& key, const cv::Mat& image) {
  const int64_t bytes = bytes_of(image);
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  if (has_room(bytes) && pictures_.emplace(key, image).second) bytes_ += bytes;
}

void ImageCache::clear() {
  decltype(pictures_) dropped;  // freed outside of the lock
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  dropped.swap(pictures_);
  bytes_ = 0;
}

int64_t ImageCache::size() const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  return static_cast<int64_t>(pictures_.size());
}

}  // namespace grapnel::detection::data
