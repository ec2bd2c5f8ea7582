// Draws the loss and the learning rate as an SVG in the work folder and refreshes it while training goes on:
// open it in a browser. Shows a hook of two files that writes a file of its own and never ends a run for it.
#include <grapnel/hook.hpp>

#include <cstdio>
#include <fstream>
#include <locale>
#include <string>
#include <utility>
#include <vector>

#include "svg_chart.hpp"

class Curve : public grapnel::Hook {
 public:
  static constexpr const char* author = "Grapnel";
  static constexpr const char* license = "Apache-2.0";

  explicit Curve(const grapnel::Setup& setup)
      : Hook(setup), file_(setup.text("file")), interval_(setup.integer("interval")) {
    if (file_.empty() || file_.find('/') != std::string::npos) {
      throw grapnel::Error("file is \"" + file_ + "\", expected a name without '/'");
    }
  }

  void after_train_iter(const grapnel::Point& at) override {
    if (collectives().rank() != 0 || !every_n_train_iters(at, interval_)) return;
    const double loss = values().number(GRAPNEL_VALUES_OUTPUTS, "loss");
    const double lr = optimizer().group_count() > 0 ? optimizer().group(0).lr : 0;
    const auto iteration = static_cast<double>(at.iter + 1);
    loss_.push_back({iteration, loss});
    lr_.push_back({iteration, lr});
    if (loss_.size() > kMostPoints) thin_out();
    draw();
  }

  void save_state(grapnel::StateWriter& writer) override {
    writer.integer(static_cast<int64_t>(loss_.size()));
    for (size_t i = 0; i < loss_.size(); ++i) {
      writer.number(loss_[i].x);
      writer.number(loss_[i].y);
      writer.number(lr_[i].y);
    }
  }

  void load_state(grapnel::StateReader& reader) override {
    const int64_t count = reader.integer();
    if (count < 0 || count > static_cast<int64_t>(kMostPoints)) {
      throw grapnel::Error("the saved curve has " + std::to_string(count) + " points, expected at most " +
                           std::to_string(kMostPoints));
    }
    std::vector<ChartPoint> loss, lr;
    for (int64_t i = 0; i < count; ++i) {
      const double iteration = reader.number();
      loss.push_back({iteration, reader.number()});
      lr.push_back({iteration, reader.number()});
    }
    loss_ = std::move(loss);
    lr_ = std::move(lr);
  }

 private:
  static constexpr size_t kMostPoints = 800;

  // Every second point goes, so that a run of any length keeps a file of bounded size.
  void thin_out() {
    size_t kept = 0;
    for (size_t i = 1; i < loss_.size(); i += 2, ++kept) {
      loss_[kept] = loss_[i];
      lr_[kept] = lr_[i];
    }
    loss_.resize(kept);
    lr_.resize(kept);
  }

  // Writes a new file and renames it, so that a viewer never sees half a picture. A full disk is told once
  // and costs the picture, not the training.
  void draw() {
    const std::string path = runner().work_dir() + "/" + file_, unfinished = path + ".part";
    std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
    out.imbue(std::locale::classic());
    out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"520\" "
           "font-family=\"sans-serif\" font-size=\"12\">\n"
           "<rect width=\"720\" height=\"520\" fill=\"white\"/>\n";
    draw_chart(out, loss_, "loss", 0, 720, 300);
    draw_chart(out, lr_, "learning rate", 300, 720, 220);
    out << "</svg>\n";
    out.close();
    if (out && std::rename(unfinished.c_str(), path.c_str()) == 0) {
      told_ = false;
    } else if (!told_) {
      log().warning("cannot write " + path + ": the curve is not refreshed until that works again");
      told_ = true;
    }
  }

  std::string file_;
  int64_t interval_;
  std::vector<ChartPoint> loss_, lr_;
  bool told_ = false;
};

GRAPNEL_HOOK(Curve, "1.0.0", "Draws loss and learning rate as an SVG in the work folder",
             grapnel::string_option("file", "\"curve.svg\"", "the picture's name"),
             grapnel::int_option("interval", "10", "train iterations between two points of the line", 1));
