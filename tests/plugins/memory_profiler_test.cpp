// MemoryProfilerHook: when it writes a line, that the line's numbers are /proc's and the control group's, and
// its one warning of a process that only grows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>

#include "../../plugins/MemoryProfilerHook/growth_watch.hpp"
#include "../../plugins/MemoryProfilerHook/memory_reader.hpp"
#include "shipped_hook.hpp"

using grapnel::testing::ShippedHookHost;

namespace {

// A made-up machine under a folder of its own, which goes with it.
class FakeMachine {
 public:
  FakeMachine() {
    char name[] = "/tmp/grapnel_machine_XXXXXX";
    root_ = mkdtemp(name);
    write("/proc/meminfo",
          "MemTotal:       16777216 kB\nMemFree:         4194304 kB\nMemAvailable:    8388608 kB\n"
          "Buffers:         1048576 kB\nCached:          2097152 kB\nSwapCached:            7 kB\n"
          "SwapTotal:       2097152 kB\nSwapFree:        1572864 kB\nSReclaimable:    1048576 kB\n");
    write("/proc/self/statm", "9000 2560 100 5 0 123 0\n");
  }
  ~FakeMachine() { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

constexpr int64_t kMiB = int64_t{1} << 20;

TEST(MemoryReader, ReadsTheMachineAndTheProcess) {
  const FakeMachine machine;
  const MemoryReader reader(machine.root());
  const MemoryReading reading = reader.read();
  EXPECT_EQ(reader.container_limit(), 0);
  EXPECT_EQ(reading.total, 16384 * kMiB);
  EXPECT_EQ(reading.available, 8192 * kMiB);
  EXPECT_EQ(reading.used, 8192 * kMiB);  // total - free - buffers - cached - reclaimable
  EXPECT_EQ(reading.swap_used, 512 * kMiB);
  EXPECT_EQ(reading.process, 2560 * sysconf(_SC_PAGESIZE));
  EXPECT_DOUBLE_EQ(reading.utilization_percent(), 50.0);
  EXPECT_DOUBLE_EQ(reading.swap_utilization_percent(), 25.0);
}

TEST(MemoryReader, SeesNewNumbersAtEachReading) {
  const FakeMachine machine;
  const MemoryReader reader(machine.root());
  machine.write("/proc/self/statm", "9000 5120 100 5 0 123 0\n");
  EXPECT_EQ(reader.read().process, 5120 * sysconf(_SC_PAGESIZE));
}

TEST(MemoryReader, KnowsAVersion2Limit) {
  const FakeMachine machine;
  machine.write("/proc/self/cgroup", "0::/docker/abc\n");
  machine.write("/sys/fs/cgroup/docker/abc/memory.max", "4294967296\n");
  machine.write("/sys/fs/cgroup/docker/abc/memory.current", "3221225472\n");
  machine.write("/sys/fs/cgroup/docker/abc/memory.stat", "anon 1\ninactive_file 1073741824\nactive_file 5\n");
  const MemoryReader reader(machine.root());
  const MemoryReading reading = reader.read();
  EXPECT_EQ(reader.container_limit(), 4096 * kMiB);
  EXPECT_EQ(reading.used, 2048 * kMiB);
  EXPECT_EQ(reading.available, 2048 * kMiB);
  EXPECT_DOUBLE_EQ(reading.utilization_percent(), 50.0);
}

TEST(MemoryReader, TakesTheTightestLimitOfTheGroupsAboveAndIgnoresMax) {
  const FakeMachine machine;
  machine.write("/proc/self/cgroup", "0::/slice/job/step\n");
  machine.write("/sys/fs/cgroup/slice/job/step/memory.max", "max\n");
  machine.write("/sys/fs/cgroup/slice/job/memory.max", "2147483648\n");
  machine.write("/sys/fs/cgroup/slice/job/memory.current", "1073741824\n");
  machine.write("/sys/fs/cgroup/slice/job/memory.stat", "inactive_file 0\n");
  machine.write("/sys/fs/cgroup/slice/memory.max", "8589934592\n");
  const MemoryReader reader(machine.root());
  EXPECT_EQ(reader.container_limit(), 2048 * kMiB);
  EXPECT_EQ(reader.read().used, 1024 * kMiB);
}

TEST(MemoryReader, KnowsAVersion1LimitAtTheMountWhenThePathIsOutsideTheContainer) {
  const FakeMachine machine;
  machine.write("/proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n");
  machine.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");
  machine.write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "805306368\n");
  machine.write("/sys/fs/cgroup/memory/memory.stat", "inactive_file 9\ntotal_inactive_file 268435456\n");
  const MemoryReader reader(machine.root());
  EXPECT_EQ(reader.container_limit(), 1024 * kMiB);
  EXPECT_EQ(reader.read().used, 512 * kMiB);
}

TEST(MemoryReader, IgnoresALimitBeyondTheMachine) {
  const FakeMachine machine;
  machine.write("/proc/self/cgroup", "4:memory:/\n");
  machine.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(MemoryReader(machine.root()).container_limit(), 0);
}

TEST(MemoryReader, RefusesAMachineWithoutProc) { EXPECT_THROW(MemoryReader("/nowhere"), std::runtime_error); }

TEST(MemoryLine, IsMMDetectionsToTheLetter) {
  MemoryReading reading;
  reading.total = 257698 * kMiB;
  reading.available = 246360 * kMiB;
  reading.used = 9407 * kMiB;
  reading.swap_total = 8192 * kMiB;
  reading.swap_used = 2452 * kMiB;
  reading.process = 5434 * kMiB;
  EXPECT_EQ(
      memory_line(reading),
      "Memory information available_memory: 246360 MB, used_memory: 9407 MB, memory_utilization: 4.4 %, "
      "available_swap_memory: 5740 MB, used_swap_memory: 2452 MB, swap_memory_utilization: 29.9 %, "
      "current_process_memory: 5434 MB");
}

TEST(MemoryProfiler, WritesALineEveryNthInnerIterationOfEachLoop) {
  for (const char* point : {"after_train_iter", "after_val_iter", "after_test_iter"}) {
    ShippedHookHost host;
    ASSERT_TRUE(host.load("MemoryProfilerHook", {{"interval", "4"}}));
    std::vector<int64_t> lines_at;
    for (host.state.batch_idx = 0; host.state.batch_idx < 10; ++host.state.batch_idx) {
      const size_t before = host.log.size();
      EXPECT_TRUE(host.call(point));
      if (host.log.size() > before) lines_at.push_back(host.state.batch_idx);
    }
    EXPECT_EQ(lines_at, (std::vector<int64_t>{3, 7})) << point;
  }
}

TEST(MemoryProfiler, LooksEveryFiftyIterationsByDefault) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("MemoryProfilerHook"));
  for (host.state.batch_idx = 0; host.state.batch_idx < 100; ++host.state.batch_idx)
    host.call("after_train_iter");
  EXPECT_EQ(host.log_lines("Memory information").size(), 2u);
  EXPECT_FALSE(ShippedHookHost().load("MemoryProfilerHook", {{"interval", "0"}}));
}

TEST(MemoryProfiler, ItsLineShowsThisProcess) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("MemoryProfilerHook", {{"interval", "1"}}));
  const auto process_mb = [&host] {
    host.log.clear();
    EXPECT_TRUE(host.call("after_train_iter"));
    std::smatch match;
    const std::string text = host.log_text();
    EXPECT_TRUE(std::regex_search(text, match, std::regex("current_process_memory: (\\d+) MB"))) << text;
    return std::stoi(match[1]);
  };
  const int before = process_mb();
  const size_t size = size_t{200} << 20;
  void* block = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(block, MAP_FAILED);
  std::memset(block, 1, size);
  EXPECT_NEAR(process_mb() - before, 200, 20);
  munmap(block, size);
}

TEST(MemoryProfiler, WarnsOnceOfAProcessThatOnlyGrows) {
  ShippedHookHost host;
  ASSERT_TRUE(host.load("MemoryProfilerHook", {{"interval", "1"}}));
  const size_t step = size_t{8} << 20;
  std::vector<void*> leaked;
  for (int i = 0; i < 40; ++i) {
    leaked.push_back(mmap(nullptr, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(leaked.back(), MAP_FAILED);
    std::memset(leaked.back(), 1, step);
    EXPECT_TRUE(host.call("after_train_iter"));
  }
  for (void* block : leaked) munmap(block, step);
  EXPECT_EQ(host.log_lines("the process grew", GRAPNEL_LOG_WARNING).size(), 1u);
}

TEST(GrowthWatch, IsSilentWhenCachesFillAndThenStay) {
  GrowthWatch watch;
  bool warned = false;
  for (int64_t i = 0; i < 100; ++i) warned |= watch.add((1000 + 100 * std::min<int64_t>(i, 12)) * kMiB);
  EXPECT_FALSE(warned);
}

TEST(GrowthWatch, IsSilentWhenTheSizeSwings) {
  GrowthWatch watch;
  bool warned = false;
  for (int64_t i = 0; i < 100; ++i) warned |= watch.add((1000 + 50 * i - 200 * (i % 4)) * kMiB);
  EXPECT_FALSE(warned);
}

TEST(GrowthWatch, ReportsALeakOnceDespiteAStepThatIsFlat) {
  GrowthWatch watch;
  int warnings = 0;
  int64_t size = 1000 * kMiB;
  for (int i = 0; i < 100; ++i) {
    if (i % 11 != 0) size += 10 * kMiB;
    warnings += watch.add(size) ? 1 : 0;
  }
  EXPECT_EQ(warnings, 1);
}

}  // namespace
