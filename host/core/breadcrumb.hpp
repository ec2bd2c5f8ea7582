// Which hook this thread is running right now, for the report of a crash. Plain pointers to text that lives
// as long as the hooks, so that a signal handler can read them.
#pragma once

namespace grapnel {

struct Breadcrumb {
  const char* instance_key;  // null: no hook is running
  const char* call;          // "before_train_iter", "create"
};

// __thread and initial-exec: static initialisation and a fixed offset, so that an access is a plain store.
extern __thread Breadcrumb breadcrumb __attribute__((tls_model("initial-exec")));

// Leaves a breadcrumb for the scope of one call and puts the former one back.
class BreadcrumbScope {
 public:
  BreadcrumbScope(const char* instance_key, const char* call) : before_(breadcrumb) {
    breadcrumb = {instance_key, call};
  }
  ~BreadcrumbScope() { breadcrumb = before_; }
  BreadcrumbScope(const BreadcrumbScope&) = delete;
  BreadcrumbScope& operator=(const BreadcrumbScope&) = delete;

 private:
  Breadcrumb before_;
};

}  // namespace grapnel
