// The type _grapnel.Tensor and the lease through which numpy holds on to lent memory.
#include "tensor_object.hpp"

#include <cstddef>
#include <vector>

#include "run.hpp"
#include "tensor_elements.hpp"

namespace grapnel::python {

static_assert(offsetof(ManagedTensor, manager) == sizeof(grapnel_tensor), "DLManagedTensor's layout");

namespace {

// A view that owns its shape and strides.
struct LentTensor {
  LentTensor(const grapnel_tensor& from, std::shared_ptr<Loan> lent)
      : view(from),
        shape(from.shape, from.shape + from.ndim),
        strides(from.strides, from.strides + from.ndim),
        loan(std::move(lent)) {
    view.shape = shape.data();
    view.strides = strides.data();
    // Some readers of DLPack overlook the offset.
    if (view.data != nullptr) view.data = static_cast<char*>(view.data) + view.byte_offset;
    view.byte_offset = 0;
  }
  LentTensor(const LentTensor&) = delete;
  LentTensor& operator=(const LentTensor&) = delete;

  grapnel_tensor view;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  std::shared_ptr<Loan> loan;
};

// What one numpy array or DLPack tensor keeps while it shows lent memory.
struct Export : LentTensor {
  Export(const grapnel_tensor& from, std::shared_ptr<Loan> lent) : LentTensor(from, std::move(lent)) {
    ++loan->exports;
  }
  ~Export() { --loan->exports; }
};

struct TensorContent : LentTensor {
  TensorContent(const grapnel_tensor& from, std::shared_ptr<Loan> lent, TensorTraits what)
      : LentTensor(from, std::move(lent)), traits(std::move(what)) {}
  TensorTraits traits;
};

struct TensorObject {
  PyObject_HEAD TensorContent* content;
};

struct LeaseObject {
  PyObject_HEAD Export* held;
  int is_read_only;
};

PyTypeObject* the_tensor_type = nullptr;
PyTypeObject* the_lease_type = nullptr;

// The tensor's content; throws once it has been taken back.
TensorContent& content_of(PyObject* self) {
  TensorContent* content = reinterpret_cast<TensorObject*>(self)->content;
  if (content == nullptr) {
    PyErr_SetString(PyExc_TypeError, "a Tensor comes from the runner; it cannot be made");
    throw PythonError();
  }
  if (content->loan->is_over) {
    PyErr_Format(
        PyExc_ReferenceError,
        "the tensor '%s' was lent for the time of %s only: copy what you keep (tensor.numpy().copy())",
        content->traits.name.c_str(), content->loan->point.c_str());
    throw PythonError();
  }
  return *content;
}

void require_host_memory(const TensorContent& content, const char* what) {
  if (content.view.device.type == GRAPNEL_DEVICE_CPU) return;
  PyErr_Format(PyExc_TypeError,
               "%s needs a tensor on the CPU, '%s' is on cuda:%d; torch.from_dlpack can take it", what,
               content.traits.name.c_str(), content.view.device.id);
  throw PythonError();
}

const char* first_byte(const TensorContent& content) { return static_cast<const char*>(content.view.data); }

Ref tuple_of(const std::vector<int64_t>& numbers, int64_t factor = 1) {
  Ref tuple = Ref::take(PyTuple_New(static_cast<Py_ssize_t>(numbers.size())));
  for (size_t i = 0; i < numbers.size(); ++i) {
    check(PyTuple_SetItem(tuple.get(), static_cast<Py_ssize_t>(i),
                          integer_object(numbers[i] * factor).release()));
  }
  return tuple;
}

Ref item_of(const TensorContent& content) {
  const int64_t count = element_count(content.view);
  if (count != 1) {
    PyErr_Format(PyExc_ValueError, "only a tensor of one element is a number; '%s' has %lld",
                 content.traits.name.c_str(), static_cast<long long>(count));
    throw PythonError();
  }
  const TensorTraits& traits = content.traits;
  if (content.view.device.type != GRAPNEL_DEVICE_CPU && traits.values_group >= 0) {
    return number_object(traits.run->values.number(traits.values_group, traits.name.c_str()));
  }
  require_host_memory(content, "item()");
  return element_object(first_byte(content), content.view.dtype);
}

// A read-only or writable numpy array over the tensor's memory; of another dtype, a copy.
Ref numpy_array(TensorContent& content, PyObject* dtype = Py_None) {
  require_host_memory(content, "numpy()");
  if (content.view.dtype.code == GRAPNEL_DTYPE_BFLOAT) {
    PyErr_Format(PyExc_TypeError, "numpy has no bfloat16, which '%s' is; tolist() reads it",
                 content.traits.name.c_str());
    throw PythonError();
  }
  const Ref numpy = Ref::take(PyImport_ImportModule("numpy"));
  const Ref lease = Ref::take(PyType_GenericAlloc(the_lease_type, 0));
  auto* raw = reinterpret_cast<LeaseObject*>(lease.get());
  raw->held = new Export(content.view, content.loan);
  raw->is_read_only = content.traits.is_read_only ? 1 : 0;
  return Ref::take(PyObject_CallMethod(numpy.get(), "asarray", "OO", lease.get(), dtype));
}

// ---- Tensor's attributes and methods -------------------------------------------------------------------

PyObject* get_name(PyObject* self, void*) {
  return raising([&] { return text_object(content_of(self).traits.name); });
}
PyObject* get_shape(PyObject* self, void*) {
  return raising([&] { return tuple_of(content_of(self).shape); });
}
PyObject* get_strides(PyObject* self, void*) {
  return raising([&] { return tuple_of(content_of(self).strides); });
}
PyObject* get_ndim(PyObject* self, void*) {
  return raising([&] { return integer_object(content_of(self).view.ndim); });
}
PyObject* get_dtype(PyObject* self, void*) {
  return raising([&] { return text_object(dtype_name(content_of(self).view.dtype)); });
}
PyObject* get_device(PyObject* self, void*) {
  return raising([&] {
    const grapnel_device device = content_of(self).view.device;
    return text_object(device.type == GRAPNEL_DEVICE_CPU ? "cpu" : "cuda:" + std::to_string(device.id));
  });
}
PyObject* get_read_only(PyObject* self, void*) {
  return raising([&] { return boolean_object(content_of(self).traits.is_read_only); });
}
PyObject* get_requires_grad(PyObject* self, void*) {
  return raising([&] { return boolean_object(content_of(self).traits.requires_grad); });
}
PyObject* get_grad(PyObject* self, void*) {
  return raising([&] {
    const TensorContent& content = content_of(self);
    if (content.traits.parameter_index < 0) return none();
    return content.traits.run->gradient(static_cast<uint64_t>(content.traits.parameter_index));
  });
}

PyObject* numel(PyObject* self, PyObject*) {
  return raising([&] { return integer_object(element_count(content_of(self).view)); });
}
PyObject* dim(PyObject* self, PyObject*) { return get_ndim(self, nullptr); }
PyObject* data_ptr(PyObject* self, PyObject*) {
  return raising([&] { return Ref::take(PyLong_FromVoidPtr(content_of(self).view.data)); });
}
PyObject* item(PyObject* self, PyObject*) {
  return raising([&] { return item_of(content_of(self)); });
}
PyObject* tolist(PyObject* self, PyObject*) {
  return raising([&] {
    const TensorContent& content = content_of(self);
    require_host_memory(content, "tolist()");
    return nested_list(content.view, first_byte(content));
  });
}
PyObject* numpy(PyObject* self, PyObject*) {
  return raising([&] { return numpy_array(content_of(self)); });
}
PyObject* detach(PyObject* self, PyObject*) { return Ref::borrow(self).release(); }
PyObject* cpu(PyObject* self, PyObject*) {
  return raising([&] {
    require_host_memory(content_of(self), "cpu()");
    return Ref::borrow(self);
  });
}

// numpy.asarray(tensor, dtype): no copy where the dtype is the tensor's own.
PyObject* array(PyObject* self, PyObject* args, PyObject* kwargs) {
  return raising([&] {
    PyObject* dtype = Py_None;
    PyObject* copy = Py_None;
    const char* names[] = {"dtype", "copy", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO", const_cast<char**>(names), &dtype, &copy)) {
      throw PythonError();
    }
    Ref plain = numpy_array(content_of(self), dtype);
    if (copy == Py_True) plain = Ref::take(PyObject_CallMethod(plain.get(), "copy", nullptr));
    return plain;
  });
}

PyObject* format(PyObject* self, PyObject* spec) {
  return raising([&] {
    TensorContent& content = content_of(self);
    if (element_count(content.view) == 1) return Ref::take(PyObject_Format(item_of(content).get(), spec));
    return Ref::take(PyObject_Str(self));
  });
}

// ---- DLPack --------------------------------------------------------------------------------------------

void delete_managed(ManagedTensor* managed) {
  delete static_cast<Export*>(managed->manager);
  delete managed;
}

// A capsule that nobody consumed still owns its tensor; a consumer renames it.
void destroy_capsule(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, "dltensor")) return;
  auto* managed = static_cast<ManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
  managed->deleter(managed);
}

[[noreturn]] void refuse_export(const char* why) {
  PyErr_SetString(PyExc_BufferError, why);
  throw PythonError();
}

void check_stream(const grapnel_device& device, PyObject* stream) {
  if (device.type == GRAPNEL_DEVICE_CPU || stream == Py_None) return;
  const long number = PyLong_AsLong(stream);
  if (number == -1 && PyErr_Occurred() != nullptr) throw PythonError();
  // -1: no synchronisation asked for; 0 and 1: the legacy default stream, on which the training runs.
  if (number < -1 || number > 1) refuse_export("the tensor can be given to CUDA's default stream only");
}

PyObject* dlpack(PyObject* self, PyObject* args, PyObject* kwargs) {
  return raising([&] {
    TensorContent& content = content_of(self);
    PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy = Py_None;
    const char* names[] = {"stream", "max_version", "dl_device", "copy", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOO", const_cast<char**>(names), &stream, &version,
                                     &device, &copy)) {
      throw PythonError();
    }
    check_stream(content.view.device, stream);
    if (copy == Py_True) refuse_export("a Grapnel tensor is handed on without a copy only");
    if (device != Py_None) {
      const Ref own = Ref::take(Py_BuildValue("(ii)", content.view.device.type, content.view.device.id));
      const int same = PyObject_RichCompareBool(own.get(), device, Py_EQ);
      check(same);
      if (same == 0) refuse_export("a Grapnel tensor is handed on where it lies only");
    }
    auto held = std::make_unique<Export>(content.view, content.loan);
    auto managed = std::make_unique<ManagedTensor>(ManagedTensor{held->view, held.get(), &delete_managed});
    Ref capsule = Ref::take(PyCapsule_New(managed.get(), "dltensor", &destroy_capsule));
    held.release();
    managed.release();
    return capsule;
  });
}

PyObject* dlpack_device(PyObject* self, PyObject*) {
  return raising([&] {
    const grapnel_device device = content_of(self).view.device;
    return Ref::take(Py_BuildValue("(ii)", device.type, device.id));
  });
}

// ---- Tensor as a number --------------------------------------------------------------------------------

PyObject* as_float(PyObject* self) {
  return raising([&] { return Ref::take(PyNumber_Float(item_of(content_of(self)).get())); });
}
PyObject* as_int(PyObject* self) {
  return raising([&] { return Ref::take(PyNumber_Long(item_of(content_of(self)).get())); });
}
int as_bool(PyObject* self) {
  PyObject* value = item(self, nullptr);
  if (value == nullptr) return -1;
  const int is_true = PyObject_IsTrue(value);
  Py_DECREF(value);
  return is_true;
}
Py_ssize_t length(PyObject* self) {
  try {
    const TensorContent& content = content_of(self);
    if (content.view.ndim > 0) return static_cast<Py_ssize_t>(content.shape[0]);
    PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
  } catch (const PythonError&) {
  }
  return -1;
}
// Ordering compares numbers; equality stays identity, so that tensors can be kept in sets.
PyObject* compare(PyObject* self, PyObject* other, int operation) {
  return raising([&] {
    if (operation == Py_EQ || operation == Py_NE) return Ref::borrow(Py_NotImplemented);
    return Ref::take(PyObject_RichCompare(item_of(content_of(self)).get(), other, operation));
  });
}
Py_hash_t hash(PyObject* self) { return static_cast<Py_hash_t>(reinterpret_cast<uintptr_t>(self) >> 4); }

PyObject* repr(PyObject* self) {
  const TensorContent* content = reinterpret_cast<TensorObject*>(self)->content;
  if (content == nullptr || content->loan->is_over)
    return PyUnicode_FromString("<grapnel.Tensor, taken back>");
  return raising([&] {
    return Ref::take(PyUnicode_FromFormat("<grapnel.Tensor '%s' %s %R>", content->traits.name.c_str(),
                                          dtype_name(content->view.dtype).c_str(),
                                          tuple_of(content->shape).get()));
  });
}

template <class Object, class Content, Content* Object::*Member>
void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  delete (reinterpret_cast<Object*>(self)->*Member);
  PyObject_Free(self);
  Py_DECREF(type);
}

template <class Function>
PyCFunction as_c(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}
template <class Function>
void* slot(Function function) {
  return reinterpret_cast<void*>(function);
}

// numpy's array interface, version 3: https://numpy.org/doc/stable/reference/arrays.interface.html
PyObject* array_interface(PyObject* self, void*) {
  return raising([&] {
    const auto* lease = reinterpret_cast<LeaseObject*>(self);
    const Export& held = *lease->held;
    const int64_t item_size = held.view.dtype.bits / 8;
    const char kind = held.view.dtype.code == GRAPNEL_DTYPE_FLOAT  ? 'f'
                      : held.view.dtype.code == GRAPNEL_DTYPE_UINT ? 'u'
                                                                   : 'i';
    Ref answer = Ref::take(PyDict_New());
    set_item(answer, "version", integer_object(3));
    set_item(answer, "typestr", text_object(std::string("<") + kind + std::to_string(item_size)));
    set_item(answer, "shape", tuple_of(held.shape));
    set_item(answer, "strides", tuple_of(held.strides, item_size));
    static char nothing = 0;  // numpy takes no null address, not even of an empty array
    const Ref address = Ref::take(PyLong_FromVoidPtr(held.view.data != nullptr ? held.view.data : &nothing));
    set_item(answer, "data",
             Ref::take(PyTuple_Pack(2, address.get(), lease->is_read_only ? Py_True : Py_False)));
    return answer;
  });
}

void make_lease_type() {
  static PyGetSetDef attributes[] = {{"__array_interface__", &array_interface, nullptr, nullptr, nullptr},
                                     {nullptr, nullptr, nullptr, nullptr, nullptr}};
  static PyType_Slot slots[] = {{Py_tp_getset, attributes},
                                {Py_tp_dealloc, slot(&deallocate<LeaseObject, Export, &LeaseObject::held>)},
                                {0, nullptr}};
  static PyType_Spec spec = {"_grapnel.Lease", sizeof(LeaseObject), 0, Py_TPFLAGS_DEFAULT, slots};
  the_lease_type = reinterpret_cast<PyTypeObject*>(Ref::take(PyType_FromSpec(&spec)).release());
}

void make_tensor_type() {
  static PyGetSetDef attributes[] = {
      {"name", &get_name, nullptr, "Its name in the model or the batch.", nullptr},
      {"shape", &get_shape, nullptr, "Elements along each dimension.", nullptr},
      {"strides", &get_strides, nullptr, "Steps along each dimension, in elements.", nullptr},
      {"ndim", &get_ndim, nullptr, "Number of dimensions.", nullptr},
      {"dtype", &get_dtype, nullptr, "'float32', 'int64', ...; bool travels as 'uint8'.", nullptr},
      {"device", &get_device, nullptr, "'cpu' or 'cuda:0'.", nullptr},
      {"read_only", &get_read_only, nullptr, "Whether it must not be written here.", nullptr},
      {"requires_grad", &get_requires_grad, nullptr, "Whether it is trained.", nullptr},
      {"grad", &get_grad, nullptr, "A parameter's gradient, None where there is none now.", nullptr},
      {nullptr, nullptr, nullptr, nullptr, nullptr}};
  static PyMethodDef methods[] = {
      {"numel", &numel, METH_NOARGS, "Number of elements."},
      {"dim", &dim, METH_NOARGS, "Number of dimensions."},
      {"data_ptr", &data_ptr, METH_NOARGS, "Address of the first element."},
      {"item", &item, METH_NOARGS, "The one element as a number."},
      {"tolist", &tolist, METH_NOARGS, "A copy as nested lists."},
      {"numpy", &numpy, METH_NOARGS, "A numpy array over the same memory."},
      {"detach", &detach, METH_NOARGS, "The tensor itself: there is no graph to leave."},
      {"cpu", &cpu, METH_NOARGS, "The tensor itself if it is on the CPU."},
      {"__array__", as_c(&array), METH_VARARGS | METH_KEYWORDS, nullptr},
      {"__dlpack__", as_c(&dlpack), METH_VARARGS | METH_KEYWORDS, nullptr},
      {"__dlpack_device__", &dlpack_device, METH_NOARGS, nullptr},
      {"__format__", &format, METH_O, nullptr},
      {nullptr, nullptr, 0, nullptr}};
  static PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("A tensor lent for the time of one callback.")},
      {Py_tp_getset, attributes},
      {Py_tp_methods, methods},
      {Py_tp_repr, slot(&repr)},
      {Py_tp_richcompare, slot(&compare)},
      {Py_tp_hash, slot(&hash)},
      {Py_nb_float, slot(&as_float)},
      {Py_nb_int, slot(&as_int)},
      {Py_nb_bool, slot(&as_bool)},
      {Py_sq_length, slot(&length)},
      {Py_tp_dealloc, slot(&deallocate<TensorObject, TensorContent, &TensorObject::content>)},
      {0, nullptr}};
  static PyType_Spec spec = {"grapnel.Tensor", sizeof(TensorObject), 0, Py_TPFLAGS_DEFAULT, slots};
  the_tensor_type = reinterpret_cast<PyTypeObject*>(Ref::take(PyType_FromSpec(&spec)).release());
}

}  // namespace

Ref tensor_type() {
  if (the_lease_type == nullptr) make_lease_type();
  if (the_tensor_type == nullptr) make_tensor_type();
  return Ref::borrow(reinterpret_cast<PyObject*>(the_tensor_type));
}

Ref make_tensor(const grapnel_tensor& view, std::shared_ptr<Loan> loan, TensorTraits traits) {
  Ref tensor = Ref::take(PyType_GenericAlloc(the_tensor_type, 0));
  reinterpret_cast<TensorObject*>(tensor.get())->content =
      new TensorContent(view, std::move(loan), std::move(traits));
  return tensor;
}

}  // namespace grapnel::python
