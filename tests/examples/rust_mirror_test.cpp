// Keeps the Rust mirror honest. Out of the C headers a C program and a Rust program are written that print
// size, alignment and offset of every struct and field and the value of every constant; the two must print
// the same. The Rust program names every field with its type, so a mirror that lacks one, or has another
// type, does not compile.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "abi_headers.hpp"

namespace grapnel::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kHeaders = std::string(GRAPNEL_SOURCE_DIR) + "/sdk/include/grapnel";
const std::string kMirror = std::string(GRAPNEL_SOURCE_DIR) + "/sdk/examples/loss_guard_rust/grapnel.rs";

std::string read(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(in.good()) << path;
  return text.str();
}

// The host's own version is no part of the contract that a plugin mirrors.
bool is_mirrored(const AbiConstant& constant) { return constant.name != "GRAPNEL_VERSION"; }

std::string c_program(const AbiHeaders& headers) {
  std::ostringstream out;
  out << "#include <grapnel/grapnel.h>\n#include <stddef.h>\n#include <stdio.h>\n"
         "#define TYPE(T) printf(\"%s size %zu align %zu\\n\", #T, sizeof(T), _Alignof(T))\n"
         "#define FIELD(T, f) printf(\"%s.%s at %zu size %zu\\n\", #T, #f, offsetof(T, f), sizeof(((T "
         "*)0)->f))\n"
         "int main(void) {\n";
  for (const auto& type : headers.structs) {
    out << "TYPE(" << type.name << ");\n";
    for (const auto& field : type.fields) out << "FIELD(" << type.name << ", " << field.name << ");\n";
  }
  for (const auto& constant : headers.constants) {
    if (!is_mirrored(constant)) continue;
    out << (constant.is_text ? "printf(\"%s = %s\\n\", \"" : "printf(\"%s = %ld\\n\", \"") << constant.name
        << (constant.is_text ? "\", " : "\", (long)") << constant.name << ");\n";
  }
  out << "return 0;\n}\n";
  return out.str();
}

std::string rust_program(const AbiHeaders& headers) {
  std::ostringstream out;
  out << "#![allow(clippy::all)]\nmod grapnel;\nuse grapnel::*;\nuse std::mem::{align_of, size_of, "
         "MaybeUninit};\n"
         "use std::os::raw::{c_char, c_void};\nuse std::ptr::addr_of;\n"
         "fn size_of_target<T>(_: *const T) -> usize { size_of::<T>() }\n"
         "#[allow(non_camel_case_types, dead_code)]\nfn main() {\n";
  for (const auto& type : headers.structs) {
    if (type.name == "grapnel_host") out << "let _: Option<&c_void> = None; let _: Option<&c_char> = None;\n";
    out << "{ let room = MaybeUninit::<" << type.name << ">::uninit(); let start = room.as_ptr();\n"
        << "println!(\"" << type.name << " size {} align {}\", size_of::<" << type.name << ">(), align_of::<"
        << type.name << ">());\n";
    for (const auto& field : type.fields) {
      const std::string name = field.name == "type" ? "r#type" : field.name;
      out << "let at: *const " << (field.rust_type[0] == '*' ? "(" + field.rust_type + ")" : field.rust_type)
          << " = unsafe { addr_of!((*start)." << name << ") };\n"
          << "println!(\"" << type.name << "." << field.name
          << " at {} size {}\", at as usize - start as usize, size_of_target(at));\n";
    }
    out << "}\n";
  }
  for (const auto& constant : headers.constants) {
    if (!is_mirrored(constant)) continue;
    out << "println!(\"" << constant.name << " = {}\", " << constant.name
        << (constant.is_text ? ".strip_suffix('\\0').expect(\"a NUL at the end\")" : "") << ");\n";
  }
  out << "}\n";
  return out.str();
}

struct Outcome {
  bool ok = false;
  std::string text;  // what it printed, on stderr when it failed
};

Outcome run(const std::string& command, const fs::path& folder) {
  const std::string out = (folder / "out.txt").string(), err = (folder / "err.txt").string();
  const int code = std::system((command + " >'" + out + "' 2>'" + err + "'").c_str());
  return {code == 0, read(code == 0 ? out : err)};
}

class RustMirror : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(GRAPNEL_BUILD_DIR) / "tests/examples_mirror" /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    headers_ = read_abi_headers(kHeaders);
  }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  std::string quoted(const std::string& name) { return "'" + (folder_ / name).string() + "'"; }

  std::string layout_in_c() {
    write("layout.c", c_program(headers_));
    const Outcome built = run("cc -std=c11 -I'" GRAPNEL_SOURCE_DIR "/sdk/include' " + quoted("layout.c") +
                                  " -o " + quoted("layout_c"),
                              folder_);
    EXPECT_TRUE(built.ok) << built.text;
    return run(quoted("layout_c"), folder_).text;
  }
  // What the Rust program prints with this mirror, or why rustc refuses it.
  std::string layout_in_rust(const std::string& mirror) {
    write("grapnel.rs", mirror);
    write("layout.rs", rust_program(headers_));
    const Outcome built = run(
        "rustc --edition 2021 -A warnings " + quoted("layout.rs") + " -o " + quoted("layout_rust"), folder_);
    return built.ok ? run(quoted("layout_rust"), folder_).text : built.text;
  }
  // The mirror with `from` replaced by `to`, which must be there once at least.
  static std::string mirror_with(const std::string& from, const std::string& to) {
    std::string text = read(kMirror);
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  }

  fs::path folder_;
  AbiHeaders headers_;
};

TEST_F(RustMirror, ReadsTheHeadersWhole) {
  EXPECT_GE(headers_.structs.size(), 29u);
  EXPECT_GE(headers_.constants.size(), 100u);
  const auto find = [&](const std::string& name) {
    return std::find_if(headers_.structs.begin(), headers_.structs.end(),
                        [&](const AbiStruct& type) { return type.name == name; });
  };
  ASSERT_NE(find("grapnel_hook_vtable"), headers_.structs.end());
  EXPECT_EQ(find("grapnel_hook_vtable")->fields.size(), 33u);
  ASSERT_NE(find("grapnel_option"), headers_.structs.end());
  EXPECT_EQ(find("grapnel_option")->fields[9].name, "choices");
  EXPECT_EQ(find("grapnel_option")->fields[9].rust_type, "*const *const c_char");
  ASSERT_NE(find("grapnel_host"), headers_.structs.end());
  EXPECT_EQ(find("grapnel_host")->fields[6].rust_type,
            "unsafe extern \"C\" fn(*const grapnel_host, *const c_char, ) -> *const c_void");
}

TEST_F(RustMirror, HasTheLayoutAndTheConstantsOfTheHeaders) {
  const std::string in_c = layout_in_c();
  EXPECT_THAT(in_c, AllOf(HasSubstr("grapnel_hook_vtable size 256 align 8\n"),
                          HasSubstr("grapnel_note.type at 28 size 64\n"),
                          HasSubstr("GRAPNEL_SERVICE_LOG = grapnel.log/1\n")));
  EXPECT_EQ(layout_in_rust(read(kMirror)), in_c);
}

// The test itself can fail: each of these mirrors is told from the right one.
TEST_F(RustMirror, WithoutAFieldIsRefused) {
  EXPECT_THAT(layout_in_rust(mirror_with("    pub byte_offset: u64,\n", "")),
              AllOf(HasSubstr("error"), HasSubstr("byte_offset")));
}
TEST_F(RustMirror, WithoutAStructIsRefused) {
  EXPECT_THAT(layout_in_rust(mirror_with("pub struct grapnel_checkpoint_info", "pub struct forgotten")),
              AllOf(HasSubstr("error"), HasSubstr("grapnel_checkpoint_info")));
}
TEST_F(RustMirror, WithoutAConstantIsRefused) {
  EXPECT_THAT(layout_in_rust(mirror_with("pub const GRAPNEL_REDUCE_MAX: i32 = 3;\n", "")),
              AllOf(HasSubstr("error"), HasSubstr("GRAPNEL_REDUCE_MAX")));
}
TEST_F(RustMirror, WithAnotherSignatureIsRefused) {
  EXPECT_THAT(layout_in_rust(mirror_with("window: u64,\n        value: *mut f64,",
                                         "window: u32,\n        value: *mut f64,")),
              HasSubstr("mismatched types"));
}
TEST_F(RustMirror, WithSwappedFieldsPrintsAnotherLayout) {
  const std::string layout = layout_in_rust(
      mirror_with("    pub epoch: i64,\n    pub iter: i64,\n", "    pub iter: i64,\n    pub epoch: i64,\n"));
  EXPECT_THAT(layout, HasSubstr("grapnel_point_args.iter at 16 size 8\n"));
  EXPECT_NE(layout, layout_in_c());
}
TEST_F(RustMirror, WithAnotherValuePrintsAnotherConstant) {
  const std::string layout = layout_in_rust(
      mirror_with("GRAPNEL_STATUS_IO: grapnel_status = 5", "GRAPNEL_STATUS_IO: grapnel_status = 6"));
  EXPECT_THAT(layout, HasSubstr("GRAPNEL_STATUS_IO = 6\n"));
  EXPECT_THAT(layout_in_c(), Not(HasSubstr("GRAPNEL_STATUS_IO = 6\n")));
}

}  // namespace
}  // namespace grapnel::test
