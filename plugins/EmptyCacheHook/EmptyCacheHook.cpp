// Gives memory that is free, but kept by the C library's allocator, back to the system.
//
// MMEngine's hook of this name empties the cache of the GPU's allocator. Tensors in host memory come from
// malloc, whose arenas keep what was freed; malloc_trim() returns their free pages, wherever in the arenas
// they lie.
#include <malloc.h>

#include <string>

#include <grapnel/hook.hpp>

namespace {

class EmptyCacheHook : public grapnel::Hook {
 public:
  explicit EmptyCacheHook(const grapnel::Setup& setup)
      : Hook(setup),
        before_epoch_(setup.boolean("before_epoch")),
        after_epoch_(setup.boolean("after_epoch")),
        after_iter_(setup.boolean("after_iter")) {}

  void before_train_epoch(const grapnel::Point&) override { empty_if(before_epoch_); }
  void before_val_epoch(const grapnel::Point&) override { empty_if(before_epoch_); }
  void before_test_epoch(const grapnel::Point&) override { empty_if(before_epoch_); }
  void after_train_epoch(const grapnel::Point&) override { empty_if(after_epoch_); }
  void after_val_epoch(const grapnel::Point&) override { empty_if(after_epoch_); }
  void after_test_epoch(const grapnel::Point&) override { empty_if(after_epoch_); }
  void after_train_iter(const grapnel::Point&) override { empty_if(after_iter_); }
  void after_val_iter(const grapnel::Point&) override { empty_if(after_iter_); }
  void after_test_iter(const grapnel::Point&) override { empty_if(after_iter_); }

 private:
  void empty_if(bool wanted) const {
    if (!wanted) return;
    const bool gave_back = malloc_trim(0) != 0;
    log().debug(gave_back ? "gave free memory back to the system" : "there was no free memory to give back");
  }

  bool before_epoch_, after_epoch_, after_iter_;
};

}  // namespace

GRAPNEL_HOOK(EmptyCacheHook, "1.0.0", "Gives memory that the allocator keeps free back to the system",
             grapnel::bool_option("before_epoch", "false",
                                  "before each epoch of training, validation and test"),
             grapnel::bool_option("after_epoch", "true", "after each of these epochs"),
             grapnel::bool_option("after_iter", "false", "after each iteration"));
