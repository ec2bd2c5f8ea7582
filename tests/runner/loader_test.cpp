#include "runner/data_loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <tuple>

#include "core/failure.hpp"
#include "numbers_dataset.hpp"

namespace grapnel::runner {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Everything that training would see of one sample.
using Seen = std::tuple<int64_t, int64_t, int64_t, uint32_t, int64_t>;
using Batches = std::vector<std::vector<Seen>>;

std::vector<Seen> seen(const std::vector<std::unique_ptr<Sample>>& samples) {
  std::vector<Seen> all;
  for (const auto& sample : samples) {
    const auto& numbers = dynamic_cast<const NumbersSample&>(*sample);
    all.emplace_back(numbers.key.epoch, numbers.key.position, numbers.key.index, numbers.draw,
                     numbers.setting);
  }
  return all;
}

Batches rest_of_pass(DataLoader& loader) {
  Batches batches;
  while (true) {
    auto samples = loader.next();
    if (samples.empty()) return batches;
    batches.push_back(seen(samples));
  }
}

Batches one_pass(DataLoader& loader, int64_t epoch, int64_t first_batch = 0) {
  loader.start_epoch(epoch, first_batch);
  return rest_of_pass(loader);
}

DataLoader make_loader(const Dataset& dataset, int workers, int64_t batch_size = 4, bool drop_last = false) {
  return DataLoader(dataset, Sampler(dataset.size(), true, 7), {batch_size, workers, 2, drop_last});
}

// A gate that samples wait at until the test opens it.
class Gate {
 public:
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void await_waiting(int count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

TEST(DataLoader, GivesEqualBatchesWith0And1And8Workers) {
  NumbersDataset dataset(103);
  auto alone = make_loader(dataset, 0);
  for (const int workers : {1, 8}) {
    auto loader = make_loader(dataset, workers);
    for (const int64_t epoch : {0, 1, 5}) {
      EXPECT_EQ(one_pass(loader, epoch), one_pass(alone, epoch)) << workers << " workers, epoch " << epoch;
    }
  }
  EXPECT_NE(one_pass(alone, 0), one_pass(alone, 1));
}

TEST(DataLoader, GivesEverySampleOnceAndAShortLastBatch) {
  NumbersDataset dataset(10);
  for (const int workers : {0, 3}) {
    auto loader = make_loader(dataset, workers);
    EXPECT_EQ(loader.batches_per_epoch(), 3);
    const Batches batches = one_pass(loader, 0);
    ASSERT_EQ(batches.size(), 3u);
    EXPECT_EQ(batches.back().size(), 2u);
    std::set<int64_t> items;
    for (const auto& batch : batches) {
      for (const auto& sample : batch) items.insert(std::get<2>(sample));
    }
    EXPECT_EQ(items.size(), 10u);
    EXPECT_TRUE(loader.next().empty()) << "the end of a pass stays the end";
  }
}

TEST(DataLoader, DropsTheShortLastBatchWhenAsked) {
  NumbersDataset dataset(10);
  auto loader = make_loader(dataset, 2, 4, true);
  EXPECT_EQ(loader.batches_per_epoch(), 2);
  EXPECT_EQ(one_pass(loader, 0).size(), 2u);
}

TEST(DataLoader, StartingAtAnyBatchGivesTheTailOfThePassAndLoadsNothingBeforeIt) {
  NumbersDataset dataset(37);
  auto whole_loader = make_loader(dataset, 0);
  const Batches whole = one_pass(whole_loader, 3);
  for (const int workers : {0, 2}) {
    for (int64_t first = 0; first <= static_cast<int64_t>(whole.size()); ++first) {
      NumbersDataset fresh(37);
      auto loader = make_loader(fresh, workers);
      EXPECT_EQ(one_pass(loader, 3, first), Batches(whole.begin() + first, whole.end()));
      for (const auto& asked : fresh.asked()) EXPECT_GE(asked.key.position, first * 4);
    }
  }
}

TEST(DataLoader, LoadsNothingBeforeAPassIsStarted) {
  NumbersDataset dataset(40);
  auto loader = make_loader(dataset, 4);
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_TRUE(dataset.asked().empty());
  EXPECT_TRUE(loader.next().empty());

  one_pass(loader, 0);
  std::this_thread::sleep_for(milliseconds(30));
  for (const auto& asked : dataset.asked()) EXPECT_EQ(asked.key.epoch, 0) << "the next pass was prefetched";
}

TEST(DataLoader, PrefetchesNoFurtherThanItsWindow) {
  NumbersDataset dataset(400);
  auto loader = make_loader(dataset, 2);  // 2 workers x 2 batches x 4 samples
  loader.start_epoch(0);
  while (dataset.asked().size() < 16) std::this_thread::sleep_for(milliseconds(1));
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(dataset.asked().size(), 16u);
}

TEST(DataLoader, ChangedSettingsTakeEffectAtTheVeryNextBatch) {
  for (const int workers : {0, 1, 8}) {
    NumbersDataset dataset(200);
    auto loader = make_loader(dataset, workers);
    loader.start_epoch(0);
    int64_t setting = 0;
    for (int64_t batch = 0; batch < loader.batches_per_epoch(); ++batch) {
      if (batch % 3 == 2) {
        std::this_thread::sleep_for(milliseconds(2));  // lets threads prefetch what will be stale
        dataset.set_setting(++setting);
      }
      for (const Seen& sample : seen(loader.next())) {
        EXPECT_EQ(std::get<4>(sample), setting) << workers << " workers, batch " << batch;
        EXPECT_EQ(std::get<1>(sample) / 4, batch);
      }
    }
  }
}

TEST(DataLoader, SettingsChangedWhileASampleIsBeingMadeMakeItAgain) {
  NumbersDataset dataset(8);
  Gate gate;
  const auto trainer = std::this_thread::get_id();
  dataset.before_get = [&](const SampleKey&) {
    if (std::this_thread::get_id() != trainer) gate.wait();
  };
  auto loader = make_loader(dataset, 2);
  loader.start_epoch(0);
  gate.await_waiting(2);
  dataset.set_setting(5);
  const auto first = seen(loader.next());  // both threads still hold samples with the old setting
  gate.open();
  ASSERT_EQ(first.size(), 4u);
  for (const Seen& sample : first) EXPECT_EQ(std::get<4>(sample), 5);
  for (const Seen& sample : seen(loader.next())) EXPECT_EQ(std::get<4>(sample), 5);
}

TEST(DataLoader, AThreadThatNeverGetsOnHoldsUpNobody) {
  NumbersDataset dataset(24);
  Gate gate;
  const auto trainer = std::this_thread::get_id();
  dataset.before_get = [&](const SampleKey&) {
    if (std::this_thread::get_id() != trainer) gate.wait();
  };
  auto stuck = make_loader(dataset, 3);
  const Batches batches = one_pass(stuck, 0);
  gate.open();
  auto alone = make_loader(dataset, 0);
  EXPECT_EQ(batches, one_pass(alone, 0));
}

// Loader threads of idle priority are held back, and the trainer's own first sample waits until another thread
// has made one: only a helper can. Helpers then make nothing that next() does not wait for.
TEST(DataLoader, HelpersMakeWhatNextWaitsForAndNothingElse) {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  ASSERT_EQ(sched_getaffinity(0, sizeof usable, &usable), 0);
  if (CPU_COUNT(&usable) < 2) GTEST_SKIP() << "one processor: nobody is left to help";
  NumbersDataset dataset(24);
  Gate workers;
  Gate trainers_first;
  std::mutex mutex;
  std::set<int64_t> helped;
  const auto trainer = std::this_thread::get_id();
  dataset.before_get = [&](const SampleKey& key) {
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    if (std::this_thread::get_id() == trainer) {
      trainers_first.wait();
    } else if (std::string(name) == "grapnel-load") {
      workers.wait();
    } else {
      const std::lock_guard<std::mutex> lock(mutex);
      helped.insert(key.position);
      trainers_first.open();
    }
  };
  auto loader = make_loader(dataset, 1, 8);
  loader.start_epoch(0);
  workers.await_waiting(1);
  EXPECT_EQ(loader.next().size(), 8u);
  std::this_thread::sleep_for(milliseconds(20));
  {
    const std::lock_guard<std::mutex> lock(mutex);
    EXPECT_FALSE(helped.empty());
    for (const int64_t position : helped) EXPECT_LT(position, 8) << "the next batch is the workers' to make";
  }
  workers.open();
}

TEST(DataLoader, SlowSamplesOfUnevenCostKeepTheirOrder) {
  NumbersDataset dataset(40);
  auto alone = make_loader(dataset, 0);
  const Batches expected = one_pass(alone, 0);
  dataset.before_get = [](const SampleKey& key) {
    std::this_thread::sleep_for(std::chrono::microseconds((key.index * 7919) % 4000));
  };
  auto loader = make_loader(dataset, 8);
  EXPECT_EQ(one_pass(loader, 0), expected);
}

TEST(DataLoader, AFailingSampleNamesItsBatchAndItemWithAnyNumberOfWorkers) {
  for (const int workers : {0, 1, 8}) {
    NumbersDataset dataset(40);
    dataset.before_get = [](const SampleKey& key) {
      if (key.position == 14) throw Failure(FailureKind::kRun, {"truncated JPEG", "a/b.jpg", "", "", ""});
      if (key.position == 13) throw std::runtime_error("bad mosaic");
    };
    auto loader = make_loader(dataset, workers);
    loader.start_epoch(0);
    for (int batch = 0; batch < 3; ++batch) EXPECT_EQ(loader.next().size(), 4u);
    const auto item = std::to_string(Sampler(40, true, 7).order(0)[13]);
    try {
      loader.next();
      ADD_FAILURE() << "no failure with " << workers << " workers";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.kind(), FailureKind::kRun);
      EXPECT_THAT(failure.what(), AllOf(HasSubstr("batch 3, item " + item), HasSubstr("bad mosaic")));
    }
    EXPECT_EQ(loader.next().size(), 4u) << "the pass goes on after the failed batch";
  }
}

TEST(DataLoader, KeepsTheKindAndTextOfAFailure) {
  NumbersDataset dataset(4);
  dataset.before_get = [](const SampleKey& key) {
    if (key.position == 2) throw Failure(FailureKind::kConfig, {"truncated JPEG", "a/b.jpg", "", "", ""});
  };
  auto loader = make_loader(dataset, 2);
  loader.start_epoch(0);
  try {
    loader.next();
    ADD_FAILURE() << "no failure";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), FailureKind::kConfig);
    EXPECT_THAT(failure.what(), HasSubstr("truncated JPEG: a/b.jpg, batch 0, item"));
  }
}

TEST(DataLoader, StopsAndRestartsWhileThreadsAreBusyWithoutWaitingForThem) {
  NumbersDataset dataset(64);
  Gate gate;
  const auto trainer = std::this_thread::get_id();
  dataset.before_get = [&](const SampleKey& key) {
    if (std::this_thread::get_id() != trainer && key.epoch == 0) gate.wait();
  };
  auto loader = make_loader(dataset, 3);
  loader.start_epoch(0);
  gate.await_waiting(3);
  loader.stop();  // would hang if it waited: the gate opens later
  EXPECT_TRUE(loader.next().empty());
  loader.start_epoch(1);
  const auto batch = seen(loader.next());
  gate.open();
  ASSERT_EQ(batch.size(), 4u);
  for (const Seen& sample : batch) EXPECT_EQ(std::get<0>(sample), 1);

  auto alone = make_loader(dataset, 0);
  Batches rest = rest_of_pass(loader);
  rest.insert(rest.begin(), batch);
  EXPECT_EQ(rest, one_pass(alone, 1)) << "samples of the ended pass got into the new one";
}

TEST(DataLoader, EndsWhileThreadsAreBusy) {
  NumbersDataset dataset(1000);
  std::atomic<int> running{0};
  dataset.before_get = [&](const SampleKey&) {
    ++running;
    std::this_thread::sleep_for(milliseconds(3));
    --running;
  };
  for (int round = 0; round < 5; ++round) {
    auto loader = make_loader(dataset, 8);
    loader.start_epoch(round);
    loader.next();
  }
  EXPECT_EQ(running, 0) << "a loader ended before its threads";
}

TEST(DataLoader, RanksShareOutAPassWithoutSharingRandomDraws) {
  NumbersDataset dataset(11);
  std::set<int64_t> items, positions;
  for (const int rank : {0, 1}) {
    DataLoader loader(dataset, Sampler(11, true, 7, rank, 2), {3, 1, 2, false});
    for (const auto& batch : one_pass(loader, 0)) {
      for (const Seen& sample : batch) {
        items.insert(std::get<2>(sample));
        EXPECT_TRUE(positions.insert(std::get<1>(sample)).second);
      }
    }
  }
  EXPECT_EQ(items.size(), 11u);
  EXPECT_EQ(positions.size(), 12u) << "padded to the same number a rank";
}

TEST(DataLoader, RefusesADatasetWithoutSamplesOrWithoutAWholeBatch) {
  NumbersDataset none(0);
  try {
    make_loader(none, 2);
    ADD_FAILURE() << "no failure";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), FailureKind::kConfig);
    EXPECT_THAT(failure.what(), HasSubstr("no samples: train_dataloader.dataset"));
  }
  NumbersDataset few(3);
  EXPECT_THROW(make_loader(few, 0, 4, true), Failure);
  auto incomplete_kept = make_loader(few, 0, 4, false);
  EXPECT_EQ(incomplete_kept.batches_per_epoch(), 1);
}

}  // namespace
}  // namespace grapnel::runner
