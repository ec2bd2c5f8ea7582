// The twenty-line hook of revision 1.0.
#include <grapnel/hook.hpp>

class OldGreeter : public grapnel::Hook {
 public:
  explicit OldGreeter(const grapnel::Setup& setup) : Hook(setup), name_(setup.text("name")) {}
  void before_run(const grapnel::Point&) override { log().info("hello, " + name_); }

 private:
  std::string name_;
};
GRAPNEL_HOOK(OldGreeter, "1.0.0", "Says hello when the run starts",
             grapnel::string_option("name", "\"world\"", "whom to greet"));
