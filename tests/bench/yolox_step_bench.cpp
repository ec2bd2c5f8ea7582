// One YOLOX training step on a made-up batch, timed in its parts: forward, loss, backward, optimiser. Run by
// hand it prints medians; with --serve it makes steps whenever a line on stdin asks for some, so that
// cmake/bench.sh can let it take turns with another implementation on the same machine.
#include <torch/torch.h>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/process_tuning.hpp"
#include "core/config_node.hpp"
#include "core/failure.hpp"
#include "runner/amp_scope.hpp"
#include "runner/optimizer.hpp"
#include "tasks/detection/detection_task.hpp"
#include "tasks/detection/yolox_loss.hpp"

namespace {

using grapnel::ConfigNode;
using grapnel::detection::DetectionTask;
using grapnel::detection::HeadOutput;
using grapnel::detection::YoloxImpl;
using grapnel::detection::YoloxLosses;
using torch::Tensor;

struct Options {
  std::string variant = "nano";
  int64_t size_px = 256;
  int64_t batch = 8;
  int64_t classes = 3;
  int steps = 15;
  int warmup = 3;
  int threads = 2;
  bool bf16 = false;
  bool l1 = false;
  bool serve = false;
};

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "yolox_step_bench [--variant nano] [--size 256] [--batch 8] [--classes 3] [--steps 15]\n"
               "                 [--warmup 3] [--threads 2] [--bf16] [--l1] [--serve]\n");
  std::exit(2);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--bf16") { options.bf16 = true; continue; }
    if (name == "--l1") { options.l1 = true; continue; }
    if (name == "--serve") { options.serve = true; continue; }
    if (i + 1 == argc) usage();
    const std::string value = argv[++i];
    if (name == "--variant") options.variant = value;
    else if (name == "--size") options.size_px = std::stoi(value);
    else if (name == "--batch") options.batch = std::stoi(value);
    else if (name == "--classes") options.classes = std::stoi(value);
    else if (name == "--steps") options.steps = std::stoi(value);
    else if (name == "--warmup") options.warmup = std::stoi(value);
    else if (name == "--threads") options.threads = std::stoi(value);
    else usage();
  }
  return options;
}

// The same numbers as megvii_yolox.py draws, so that both sides assign the same boxes.
class BoxDraws {
 public:
  double next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state_ >> 33) / 2147483648.0;
  }

 private:
  uint64_t state_ = 1;
};

// [B, 120, 5]: 6 to 24 boxes a picture, a tenth to six tenths of its side long.
Tensor made_up_targets(const Options& options) {
  Tensor targets = torch::zeros({options.batch, 120, 5});
  BoxDraws draws;
  const auto side = static_cast<double>(options.size_px);
  for (int64_t b = 0; b < options.batch; ++b) {
    const int64_t boxes = 6 + b * 7 % 19;
    float* row = targets.data_ptr<float>() + b * targets.stride(0);
    for (int64_t i = 0; i < boxes; ++i, row += 5) {
      const double width = (0.1 + 0.5 * draws.next()) * side, height = (0.1 + 0.5 * draws.next()) * side;
      row[0] = static_cast<float>((b + i) % options.classes);
      row[1] = static_cast<float>(width / 2 + draws.next() * (side - width));
      row[2] = static_cast<float>(height / 2 + draws.next() * (side - height));
      row[3] = static_cast<float>(width);
      row[4] = static_cast<float>(height);
    }
  }
  return targets;
}

ConfigNode model_table(const Options& options) {
  ConfigNode table = ConfigNode::table();
  table.set("type", ConfigNode::string("YOLOX"));
  table.set("variant", ConfigNode::string(options.variant));
  table.set("num_classes", ConfigNode::integer(options.classes));
  return table;
}

grapnel::runner::OptimizerConfig optimizer_config(const Options& options) {
  grapnel::runner::OptimizerConfig config;
  config.type = "SGD";
  config.lr = 0.01 / 64 * static_cast<double>(options.batch);
  config.momentum = 0.9;
  config.weight_decay = 5e-4;
  config.nesterov = true;
  return config;
}

// Milliseconds of every step, part by part.
struct StepTimes {
  static constexpr const char* kNames[5] = {"forward", "loss", "backward", "optimizer", "total"};
  std::vector<double> ms[5];
};

class Step {
 public:
  explicit Step(const Options& options)
      : options_(options),
        task_(model_table(options), "model"),
        net_(dynamic_cast<YoloxImpl&>(task_.model())),
        targets_(made_up_targets(options)) {
    task_.init_weights(0);
    optimizer_ = std::make_unique<grapnel::runner::Optimizer>(optimizer_config(options), task_.parameter_groups());
    net_.train();
    net_.head().use_l1 = options.l1;
    torch::manual_seed(0);
    // [B, H, W, 3] memory: channels-last, as the task makes its batches.
    images_ = (torch::rand({options.batch, options.size_px, options.size_px, 3}) * 255).permute({0, 3, 1, 2});
  }

  void run(StepTimes* times) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const HeadOutput output = [&] {
      const grapnel::runner::HalfPrecisionScope half(options_.bf16);
      HeadOutput predicted = net_.forward(images_);
      predicted.predictions = predicted.predictions.to(torch::kFloat);
      return predicted;
    }();
    const auto forwarded = Clock::now();
    const YoloxLosses losses = compute_losses(output, targets_, options_.l1);
    const auto judged = Clock::now();
    losses.total.backward();
    const auto propagated = Clock::now();
    optimizer_->step();
    optimizer_->zero_grad();
    const auto stepped = Clock::now();
    loss_ = losses.total.item<double>();
    if (times == nullptr) return;
    const std::pair<Clock::time_point, Clock::time_point> spans[5] = {
        {start, forwarded}, {forwarded, judged}, {judged, propagated}, {propagated, stepped}, {start, stepped}};
    for (int part = 0; part < 5; ++part) {
      times->ms[part].push_back(
          std::chrono::duration<double, std::milli>(spans[part].second - spans[part].first).count());
    }
  }

  double loss() const { return loss_; }

 private:
  Options options_;
  DetectionTask task_;
  YoloxImpl& net_;
  Tensor targets_, images_;
  std::unique_ptr<grapnel::runner::Optimizer> optimizer_;
  double loss_ = 0;
};

double peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void print_medians(const Options& options, Step& step) {
  for (int i = 0; i < options.warmup; ++i) step.run(nullptr);
  StepTimes times;
  for (int i = 0; i < options.steps; ++i) step.run(&times);
  std::printf("%-10s %9s %9s %9s\n", "ms", "median", "least", "most");
  for (int part = 0; part < 5; ++part) {
    std::vector<double>& ms = times.ms[part];
    std::sort(ms.begin(), ms.end());
    const size_t n = ms.size();
    const double median = n % 2 == 1 ? ms[n / 2] : (ms[n / 2 - 1] + ms[n / 2]) / 2;
    std::printf("%-10s %9.2f %9.2f %9.2f\n", StepTimes::kNames[part], median, ms.front(), ms.back());
  }
  std::printf("%d steps of %s, batch %lld, %lld px, %s; peak %.0f MB; loss %.4f\n", options.steps,
              options.variant.c_str(), static_cast<long long>(options.batch), static_cast<long long>(options.size_px),
              options.bf16 ? "bf16" : "float32", peak_mb(), step.loss());
}

// "steps N" on stdin: N steps, then one line of JSON with each step's times. Ends with stdin.
void serve(Step& step, const std::string& setting) {
  std::cout << "{\"ready\": " << ConfigNode::string(setting).to_json() << "}" << std::endl;
  std::string command;
  int count = 0;
  while (std::cin >> command >> count) {
    StepTimes times;
    for (int i = 0; i < count; ++i) step.run(&times);
    std::ostringstream line;
    line << "{";
    for (int part = 0; part < 5; ++part) {
      line << "\"" << StepTimes::kNames[part] << "\": [";
      for (size_t i = 0; i < times.ms[part].size(); ++i) line << (i == 0 ? "" : ", ") << times.ms[part][i];
      line << "], ";
    }
    line << "\"peak_mb\": " << peak_mb() << ", \"loss_value\": " << step.loss() << "}";
    std::cout << line.str() << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  grapnel::cli::tune_process(argv);
  const Options options = parse(argc, argv);
  try {
    const std::string setting = grapnel::cli::tune_torch(options.threads);
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
    Step step(options);
    if (options.serve) {
      serve(step, setting);
    } else {
      std::printf("%s\n", setting.c_str());
      print_medians(options, step);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "yolox_step_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
