// grapnel.checkpoint/1: named texts of the checkpoint being written or read.
#include "services/service_call.hpp"
#include "services/tables.hpp"

namespace grapnel::services {
namespace {

runner::Checkpoint& open_checkpoint(const grapnel_host* host, int32_t point, const char* point_name) {
  runner::Runner& runner = runner_for(host);
  runner::Checkpoint* checkpoint = runner.open_checkpoint();
  if (checkpoint == nullptr || (point >= 0 && runner.point().point != point)) {
    throw Refusal(GRAPNEL_STATUS_UNSUPPORTED,
                  std::string("no checkpoint is open here: possible at ") + point_name);
  }
  return *checkpoint;
}

grapnel_status get_info(const grapnel_host* host, grapnel_checkpoint_info* out, grapnel_error* error) {
  return guarded(error, [&] {
    const runner::Checkpoint& checkpoint =
        open_checkpoint(host, -1, "before_save_checkpoint and after_load_checkpoint");
    runner::Runner& runner = runner_for(host);
    const bool loading = runner.point().point == GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT;
    grapnel_checkpoint_info info{};
    info.is_resume = loading && runner.is_resumed() ? 1 : 0;
    info.path = runner.point().checkpoint_path;
    info.epoch = checkpoint.epoch;
    info.iter = checkpoint.iter;
    hand_over(out, info, "info");
  });
}

grapnel_status set_text(const grapnel_host* host, const char* key, const char* text, grapnel_error* error) {
  return guarded(error, [&] {
    runner::Checkpoint& checkpoint =
        open_checkpoint(host, GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT, "before_save_checkpoint");
    checkpoint.meta_texts[required(key, "key")] = required(text, "text");
  });
}

const char* get_text(const grapnel_host* host, const char* key) {
  return guarded_value<const char*>(host, "checkpoint.get_text", nullptr, [&]() -> const char* {
    const runner::Checkpoint* checkpoint = runner_for(host).open_checkpoint();
    if (checkpoint == nullptr) return nullptr;
    const auto found = checkpoint->meta_texts.find(required(key, "key"));
    return found != checkpoint->meta_texts.end() ? found->second.c_str() : nullptr;
  });
}

const char* last_path(const grapnel_host* host) {
  return guarded_value<const char*>(host, "checkpoint.last_path", "",
                                    [&] { return runner_for(host).last_checkpoint().c_str(); });
}

}  // namespace

const grapnel_checkpoint_service& checkpoint_table() {
  static const grapnel_checkpoint_service table = {sizeof table, 0, get_info, set_text, get_text, last_path};
  return table;
}

}  // namespace grapnel::services
