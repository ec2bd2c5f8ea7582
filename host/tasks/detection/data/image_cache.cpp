#include "tasks/detection/data/image_cache.hpp"

namespace grapnel::detection::data {
namespace {

int64_t bytes_of(const cv::Mat& image) { return static_cast<int64_t>(image.total() * image.elemSize()); }

}  // namespace

ImageCache::Picture ImageCache::get(Key key, const std::function<Picture()>& make) {
  {
    const std::shared_lock<std::shared_mutex> lock(mutex_);
    const auto found = pictures_.find(key);
    if (found != pictures_.end()) return found->second;
  }
  Picture picture = make();
  const int64_t bytes = bytes_of(picture.image);
  if (bytes > limit_bytes_) return picture;
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  if (bytes_ + bytes > limit_bytes_) drop_other_variants(key.variant);
  if (bytes_ + bytes <= limit_bytes_ && pictures_.emplace(key, picture).second) bytes_ += bytes;
  return picture;
}

int64_t ImageCache::size() const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  return static_cast<int64_t>(pictures_.size());
}

void ImageCache::drop_other_variants(uint64_t variant) {
  for (auto entry = pictures_.begin(); entry != pictures_.end();) {
    if (entry->first.variant == variant) {
      ++entry;
      continue;
    }
    bytes_ -= bytes_of(entry->second.image);
    entry = pictures_.erase(entry);
  }
}

}  // namespace grapnel::detection::data
