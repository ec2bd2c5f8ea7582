// Says one configured word when the run starts.
#include <grapnel/hook.hpp>

class RunGreeter : public grapnel::Hook {
 public:
  explicit RunGreeter(const grapnel::Setup& setup) : Hook(setup), word_(setup.text("word")) {}
  void before_run(const grapnel::Point&) override { log().info("the word is " + word_); }

 private:
  std::string word_;
};

GRAPNEL_HOOK(RunGreeter, "1.0.0", "Says a word when the run starts",
             grapnel::string_option("word", "\"hello\"", "what to say"));
