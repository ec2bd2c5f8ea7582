// Python objects as C++ owns them: references that are given back by themselves, the interpreter's lock, and
// the border where Python's exceptions and C++'s turn into each other. Only Python's stable ABI is used.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <exception>
#include <string>
#include <utility>

#include <grapnel/hook.hpp>

namespace grapnel::python {

// Thrown where a Python exception is set; whoever catches it fetches that exception or passes it on.
struct PythonError : std::exception {
  const char* what() const noexcept override { return "a Python exception is set"; }
};

// Holds the interpreter's lock; every other name in here needs it held.
class Gil {
 public:
  Gil() : state_(PyGILState_Ensure()) {}
  ~Gil() { PyGILState_Release(state_); }
  Gil(const Gil&) = delete;
  Gil& operator=(const Gil&) = delete;

 private:
  PyGILState_STATE state_;
};

// A counted reference.
class Ref {
 public:
  Ref() = default;
  // Takes over a new reference; throws PythonError when it is null.
  static Ref take(PyObject* object) {
    if (object == nullptr) throw PythonError();
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  static Ref borrow(PyObject* object) {
    Py_XINCREF(object);
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;
  ~Ref() { Py_XDECREF(object_); }

  PyObject* get() const { return object_; }
  PyObject* release() { return std::exchange(object_, nullptr); }
  void reset() { Py_CLEAR(object_); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

// Throws PythonError for the -1 with which CPython's functions fail.
inline void check(int result) {
  if (result < 0) throw PythonError();
}

inline Ref text_object(const std::string& text) {
  return Ref::take(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}
inline Ref text_object(const char* text) { return text_object(std::string(text != nullptr ? text : "")); }
inline Ref integer_object(int64_t value) { return Ref::take(PyLong_FromLongLong(value)); }
inline Ref number_object(double value) { return Ref::take(PyFloat_FromDouble(value)); }
inline Ref boolean_object(bool value) { return Ref::borrow(value ? Py_True : Py_False); }
inline Ref none() { return Ref::borrow(Py_None); }

inline void set_item(const Ref& dict, const char* key, const Ref& value) {
  check(PyDict_SetItemString(dict.get(), key, value.get()));
}
inline void append(const Ref& list, const Ref& item) { check(PyList_Append(list.get(), item.get())); }

// The object as UTF-8, str() of it when it is no text; throws PythonError.
inline std::string utf8(PyObject* object) {
  const Ref text = Ref::take(PyObject_Str(object));
  // Lone surrogates (a file's odd name) have no UTF-8 form.
  const Ref bytes = Ref::take(PyUnicode_AsEncodedString(text.get(), "utf-8", "backslashreplace"));
  char* data = nullptr;
  Py_ssize_t size = 0;
  check(PyBytes_AsStringAndSize(bytes.get(), &data, &size));
  return {data, static_cast<size_t>(size)};
}

// grapnel.Error, a RuntimeError: what a refused service call raises. Borrowed.
PyObject* error_type();

// Runs `body`, which gives a Ref, for a function that Python calls: a C++ exception becomes a Python one.
template <class Body>
PyObject* raising(Body&& body) noexcept {
  try {
    return body().release();
  } catch (const PythonError&) {
    return nullptr;
  } catch (const Error& error) {
    PyErr_SetString(error_type(), error.what());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

}  // namespace grapnel::python
