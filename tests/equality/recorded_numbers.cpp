#include "recorded_numbers.hpp"

#include <simdjson.h>

#include <fstream>
#include <stdexcept>

namespace grapnel::equality {
namespace {

using simdjson::dom::element;

Digests read_digests(const element& json) {
  Digests digests;
  for (const auto& [name, value] : json.get_object()) {
    Digest digest{double(value.at(0)), double(value.at(1)), double(value.at(2)), {0, 0}};
    const simdjson::dom::array numbers = value.get_array();
    for (size_t i = 3; i < numbers.size(); ++i) digest.first.at(i - 3) = double(numbers.at(i));
    digests[std::string(name)] = digest;
  }
  if (digests.empty()) throw std::runtime_error("a group without tensors");
  return digests;
}

Losses read_losses(const element& json) {
  return {double(json["total_loss"]), double(json["iou_loss"]), double(json["conf_loss"]),
          double(json["cls_loss"]),   double(json["l1_loss"]),  double(json["num_fg"])};
}

std::vector<int64_t> read_integers(const element& json) {
  std::vector<int64_t> values;
  for (const element& value : json.get_array()) values.push_back(int64_t(value));
  return values;
}

}  // namespace

Numbers read_numbers(const std::string& path) {
  simdjson::dom::parser parser;
  const element json = parser.load(path);
  Numbers numbers;
  numbers.eval = read_digests(json["eval"]);
  numbers.gradients = read_digests(json["gradients_no_l1"]);
  numbers.gradients_l1 = read_digests(json["gradients_l1"]);
  numbers.statistics = read_digests(json["statistics"]);
  numbers.stepped = read_digests(json["stepped"]);
  numbers.averaged = read_digests(json["averaged"]);
  numbers.losses = {read_losses(json["losses_no_l1"]["exact"]), read_losses(json["losses_no_l1"]["float32"])};
  numbers.losses_l1 = {read_losses(json["losses_l1"]["exact"]), read_losses(json["losses_l1"]["float32"])};
  for (const element& image : json["matches"].get_array()) {
    Matches matches{
        int64_t(image["image"]), read_integers(image["anchors"]), read_integers(image["truths"]), {}};
    for (const element& iou : image["ious"].get_array()) matches.ious.push_back(double(iou));
    numbers.matches.push_back(std::move(matches));
  }
  size_t at = 0;
  for (const element& step : json["steps"].get_array()) {
    numbers.steps.push_back({double(step["lr"]),
                             double(step["ema_decay"]),
                             bool(step["use_l1"]),
                             {read_losses(step), read_losses(json["steps_float32"].at(at++))}});
  }
  return numbers;
}

std::map<std::string, WholeTensor> read_whole(const std::string& folder) {
  std::ifstream data(folder + "/whole.bin", std::ios::binary);
  if (!data) throw std::runtime_error("cannot read " + folder + "/whole.bin");
  simdjson::dom::parser parser;
  std::map<std::string, WholeTensor> tensors;
  for (const element& entry : parser.load(folder + "/whole.json").get_array()) {
    WholeTensor tensor{read_integers(entry["shape"]), {}};
    size_t count = 1;
    for (const int64_t size : tensor.shape) count *= static_cast<size_t>(size);
    tensor.values.resize(count);
    data.seekg(static_cast<std::streamoff>(int64_t(entry["offset"])));
    data.read(reinterpret_cast<char*>(tensor.values.data()),
              static_cast<std::streamsize>(count * sizeof(double)));
    if (!data) throw std::runtime_error(folder + "/whole.bin is too short");
    tensors[std::string(std::string_view(entry["group"])) + "/" +
            std::string(std::string_view(entry["name"]))] = std::move(tensor);
  }
  return tensors;
}

}  // namespace grapnel::equality
