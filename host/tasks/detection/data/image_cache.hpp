// Decoded pictures kept in memory, so that a picture is read from disk once and not in every epoch. Never
// changes a result: what it holds is what reading again would give.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <opencv2/core.hpp>
#include <shared_mutex>
#include <unordered_map>

namespace grapnel::detection::data {

class ImageCache {
 public:
  // `variant` tells sizes of one picture apart.
  struct Key {
    int64_t index = 0;
    uint64_t variant = 0;
  };

  explicit ImageCache(int64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // The picture, shared with the cache: never written to. Empty when it is not there. Thread-safe, as all of
  // it.
  cv::Mat find(const Key& key) const;
  // Whether put() would keep that many bytes: when the limit is reached nothing new is kept, since with a
  // random order every picture is as likely as another to be asked for again.
  bool has_room(int64_t bytes) const { return bytes_ + bytes <= limit_bytes_; }
  void put(const Key& key, const cv::Mat& image);
  // For when other pictures will be wanted.
  void clear();

  int64_t bytes() const { return bytes_; }
  int64_t size() const;

 private:
  struct Hash {
    size_t operator()(const Key& key) const {
      return std::hash<uint64_t>()(static_cast<uint64_t>(key.index) * 0x9E3779B97F4A7C15u ^ key.variant);
    }
  };
  struct Equal {
    bool operator()(const Key& a, const Key& b) const { return a.index == b.index && a.variant == b.variant; }
  };

  const int64_t limit_bytes_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<Key, cv::Mat, Hash, Equal> pictures_;
  std::atomic<int64_t> bytes_{0};
};

}  // namespace grapnel::detection::data
