#include "runner/data_loader.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "core/failure.hpp"
#include "runner/loader_pass.hpp"

namespace grapnel::runner {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kShortestPatience{20};
constexpr std::chrono::seconds kLongestPatience{1};

// OpenMP teams spin at their barriers: a loader thread of normal priority makes a step many times slower, one
// of idle priority costs it next to nothing. Where the system refuses, the thread stays as it is.
void step_back_for_training() {
  const sched_param none{};
  if (sched_setscheduler(0, SCHED_IDLE, &none) == 0) return;
  const int refused = setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 19);
  static_cast<void>(refused);
}

// How many threads may help while next() waits: as many as there are processors that it leaves idle.
int processors_to_spare() {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  return sched_getaffinity(0, sizeof usable, &usable) == 0 ? std::max(0, CPU_COUNT(&usable) - 1) : 0;
}

// Signals go to the training thread: one that a loader thread took would not wake it.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

[[noreturn]] void rethrow_with_batch(const std::exception_ptr& error, int64_t batch, int64_t item) {
  const std::string where = "batch " + std::to_string(batch) + ", item " + std::to_string(item);
  try {
    std::rethrow_exception(error);
  } catch (const Failure& failure) {
    Failure::Parts parts = failure.parts();
    parts.where += (parts.where.empty() ? "" : ", ") + where;
    throw Failure(failure.kind(), std::move(parts));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& failure) {
    throw Failure(FailureKind::kRun, {"cannot make a sample", where, failure.what(), "", ""});
  } catch (...) {
    throw Failure(FailureKind::kRun, {"cannot make a sample", where, "an exception of unknown type", "", ""});
  }
}

}  // namespace

struct DataLoader::Impl {
  Impl(const Dataset& data, Sampler order, LoaderOptions chosen)
      : dataset(data), sampler(std::move(order)), options(chosen) {}
  ~Impl();

  LoaderPass::Result make(const LoaderPass& of_pass, const LoaderPass::Claim& claim) const;
  void start_threads();
  std::optional<LoaderPass::Claim> claim_for(bool helper);
  void work(bool helper);
  void make_myself(std::unique_lock<std::mutex>& lock, const LoaderPass::Claim& claim, uint64_t version);
  void complete(std::unique_lock<std::mutex>& lock, int64_t limit, uint64_t version);

  const Dataset& dataset;
  Sampler sampler;
  LoaderOptions options;
  int64_t next_batch = 0;
  uint64_t version_seen = 0;
  Clock::duration longest_own_sample{0};

  std::mutex mutex;
  std::condition_variable work_there;
  std::condition_variable help_wanted;
  std::condition_variable sample_ready;
  std::shared_ptr<LoaderPass> pass;  // null between passes
  int64_t help_limit = 0;            // the sample before which helpers may make what nobody has begun
  bool ending = false;
  std::vector<std::thread> threads;
};

DataLoader::Impl::~Impl() {
  {
    const std::lock_guard<std::mutex> lock(mutex);
    ending = true;
    pass.reset();
  }
  work_there.notify_all();
  help_wanted.notify_all();
  for (std::thread& thread : threads) thread.join();
}

LoaderPass::Result DataLoader::Impl::make(const LoaderPass& of_pass, const LoaderPass::Claim& claim) const {
  LoaderPass::Result result;
  try {
    result.sample = dataset.get(of_pass.key(claim.i));
    if (!result.sample) {
      throw Failure(FailureKind::kRun, {"the dataset gave no sample", dataset.meta().config_key, "", "", ""});
    }
  } catch (...) {
    result.error = std::current_exception();
  }
  return result;
}

void DataLoader::Impl::start_threads() {
  if (!threads.empty()) return;
  const SignalsBlocked blocked;
  const int helpers = std::min(options.num_workers, processors_to_spare());
  try {
    for (int i = 0; i < options.num_workers + helpers; ++i) {
      threads.emplace_back([this, helps = i >= options.num_workers] { work(helps); });
    }
  } catch (const std::system_error&) {
    // Fewer threads, or none, give the same batches: next() makes what they do not.
    options.num_workers = std::min(options.num_workers, static_cast<int>(threads.size()));
  }
}

std::optional<LoaderPass::Claim> DataLoader::Impl::claim_for(bool helper) {
  if (!pass) return std::nullopt;
  return helper ? pass->claim(dataset.version(), help_limit) : pass->claim(dataset.version());
}

// A worker makes what will be wanted, while steps are made, with what they leave of the processors. A helper
// makes what next() is waiting for, so at a time when no step is made, and at the usual priority: other
// programs of that priority would otherwise keep all processors but one.
void DataLoader::Impl::work(bool helper) {
  pthread_setname_np(pthread_self(), helper ? "grapnel-help" : "grapnel-load");
  if (!helper) step_back_for_training();
  std::condition_variable& wake = helper ? help_wanted : work_there;
  while (true) {
    std::unique_lock<std::mutex> lock(mutex);
    std::optional<LoaderPass::Claim> claim;
    wake.wait(lock, [&] { return ending || (claim = claim_for(helper)); });
    if (ending) return;
    const std::shared_ptr<LoaderPass> mine = pass;
    lock.unlock();
    LoaderPass::Result result = make(*mine, *claim);
    lock.lock();
    mine->deliver(*claim, std::move(result), dataset.version());
    lock.unlock();
    sample_ready.notify_one();
  }
}

void DataLoader::Impl::make_myself(std::unique_lock<std::mutex>& lock, const LoaderPass::Claim& claim,
                                   uint64_t version) {
  lock.unlock();
  const auto begun = Clock::now();
  LoaderPass::Result result = make(*pass, claim);
  longest_own_sample = std::max(longest_own_sample, Clock::now() - begun);
  lock.lock();
  pass->deliver(claim, std::move(result), version);
}

// Until samples [first, limit) are ready: makes what nobody has begun, with the helpers, then waits for the
// rest, and when that takes much longer than a sample does, makes it as well.
void DataLoader::Impl::complete(std::unique_lock<std::mutex>& lock, int64_t limit, uint64_t version) {
  if (pass->all_ready(limit)) return;
  help_limit = limit;
  help_wanted.notify_all();
  while (!pass->all_ready(limit)) {
    if (const auto claim = pass->claim(version, limit)) {
      make_myself(lock, *claim, version);
      continue;
    }
    const auto patience =
        std::clamp<Clock::duration>(3 * longest_own_sample, kShortestPatience, kLongestPatience);
    if (sample_ready.wait_for(lock, patience) == std::cv_status::no_timeout) continue;
    if (const auto claim = pass->claim_again(version, limit)) make_myself(lock, *claim, version);
  }
}

DataLoader::DataLoader(const Dataset& dataset, Sampler sampler, LoaderOptions options)
    : impl_(std::make_unique<Impl>(dataset, std::move(sampler), options)) {
  if (dataset.size() == 0 || impl_->sampler.size() == 0) {
    throw Failure(FailureKind::kConfig,
                  {"the dataset has no samples", dataset.meta().config_key, "", "at least one", ""});
  }
  if (batches_per_epoch() == 0) {
    throw Failure(FailureKind::kConfig,
                  {"the dataset has no whole batch and drop_last drops incomplete ones",
                   dataset.meta().config_key, std::to_string(impl_->sampler.size()) + " samples",
                   "at least batch_size = " + std::to_string(options.batch_size), ""});
  }
}

DataLoader::~DataLoader() = default;

int64_t DataLoader::batches_per_epoch() const {
  const int64_t samples = impl_->sampler.size();
  const int64_t batch = impl_->options.batch_size;
  return impl_->options.drop_last ? samples / batch : (samples + batch - 1) / batch;
}

int64_t DataLoader::batch_size() const { return impl_->options.batch_size; }

Sampler& DataLoader::sampler() { return impl_->sampler; }

void DataLoader::start_epoch(int64_t epoch, int64_t first_batch) {
  stop();
  impl_->start_threads();
  const int64_t batch = impl_->options.batch_size;
  const int64_t end = std::min(impl_->sampler.size(), batches_per_epoch() * batch);
  const int64_t ahead = static_cast<int64_t>(impl_->options.num_workers) * impl_->options.prefetch_factor;
  auto pass = std::make_shared<LoaderPass>(impl_->sampler, epoch, std::min(first_batch * batch, end), end,
                                           std::max<int64_t>(1, ahead) * batch);
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    impl_->next_batch = first_batch;
    impl_->help_limit = 0;
    impl_->version_seen = impl_->dataset.version();
    impl_->pass = std::move(pass);
  }
  impl_->work_there.notify_all();
}

std::vector<std::unique_ptr<Sample>> DataLoader::next() {
  std::vector<std::unique_ptr<Sample>> samples;
  std::vector<LoaderPass::Result> results;
  std::vector<int64_t> items;
  {
    std::unique_lock<std::mutex> lock(impl_->mutex);
    LoaderPass* pass = impl_->pass.get();
    if (pass == nullptr || pass->first() >= pass->end()) return samples;
    // The settings change on this thread only, so the version holds until the end of this call.
    const uint64_t version = impl_->dataset.version();
    if (version != impl_->version_seen) {
      pass->drop_stale(version);
      impl_->version_seen = version;
      impl_->work_there.notify_all();
    }
    const int64_t limit = std::min(pass->end(), pass->first() + impl_->options.batch_size);
    impl_->complete(lock, limit, version);
    for (int64_t i = pass->first(); i < limit; ++i) items.push_back(pass->key(i).index);
    results = pass->take(limit);
  }
  impl_->work_there.notify_all();
  const int64_t batch = impl_->next_batch++;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].error) rethrow_with_batch(results[i].error, batch, items[i]);
    samples.push_back(std::move(results[i].sample));
  }
  return samples;
}

void DataLoader::stop() {
  std::shared_ptr<LoaderPass> ended;  // its samples are freed outside the lock
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  ended.swap(impl_->pass);
}

}  // namespace grapnel::runner
