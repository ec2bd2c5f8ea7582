// Reads a COCO annotation file and prints what that took, as one line of JSON. With a folder of pictures it
// also makes the data set of it, as training does, and shuffles it once.
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "core/config_node.hpp"
#include "runner/sampler.hpp"
#include "tasks/detection/data/coco_annotations.hpp"
#include "tasks/detection/data/coco_dataset.hpp"

namespace {

using grapnel::ConfigNode;
using namespace grapnel::detection::data;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double file_mb(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? static_cast<double>(status.st_size) / 1e6 : 0;
}

void read_file(const std::string& path) {
  const auto start = Clock::now();
  const CocoAnnotations read = read_coco_annotations(path);
  std::printf("{\"read_s\": %.6f, \"file_mb\": %.3f, \"images\": %zu, \"annotations\": %zu, \"peak_mb\": %.1f}\n",
              seconds_since(start), file_mb(path), read.images.size(), read.annotations.size(), peak_mb());
}

void make_dataset(const std::string& path, const std::string& pictures) {
  ConfigNode prefix = ConfigNode::table();
  prefix.set("img", ConfigNode::string(pictures));
  ConfigNode table = ConfigNode::table();
  table.set("type", ConfigNode::string("CocoDataset"));
  table.set("ann_file", ConfigNode::string(path));
  table.set("data_root", ConfigNode::string("/"));
  table.set("data_prefix", prefix);
  const auto start = Clock::now();
  const CocoDataset dataset(table, "dataset", {256, 256});
  const double made_s = seconds_since(start);
  const auto shuffling = Clock::now();
  const auto order = grapnel::runner::Sampler(dataset.size(), true, 0).order(0);
  const double shuffled_s = seconds_since(shuffling);
  std::printf("{\"dataset_s\": %.6f, \"shuffle_s\": %.6f, \"file_mb\": %.3f, \"images\": %zu, \"first\": %lld, "
              "\"peak_mb\": %.1f}\n",
              made_s, shuffled_s, file_mb(path), order.size(), static_cast<long long>(order.front()), peak_mb());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "coco_read_bench ANNOTATIONS.json [ABSOLUTE_FOLDER_OF_PICTURES]\n");
    return 2;
  }
  try {
    if (argc == 3) {
      make_dataset(argv[1], argv[2]);
    } else {
      read_file(argv[1]);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "coco_read_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
