// The SDK's C headers as data: every struct with its fields and their types, every constant. Reads the plain
// style that the headers are written in and refuses what it does not understand, so that nothing is passed
// over in silence.
#pragma once

#include <string>
#include <vector>

namespace grapnel::test {

struct AbiField {
  std::string name;
  std::string rust_type;  // the type that a mirror in Rust must give it
};

struct AbiStruct {
  std::string name;
  std::vector<AbiField> fields;
};

struct AbiConstant {
  std::string name;
  bool is_text = false;
};

struct AbiHeaders {
  std::vector<AbiStruct> structs;
  std::vector<AbiConstant> constants;  // enumerators, and macros that are numbers or texts
};

// Reads grapnel.h's folder. Throws std::runtime_error naming file and declaration.
AbiHeaders read_abi_headers(const std::string& folder);

}  // namespace grapnel::test
