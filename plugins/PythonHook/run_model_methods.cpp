// The type _grapnel.Run: what it tells of the model, the optimiser and the data, and how it changes them.
#include "run_object.hpp"

#include <vector>

namespace grapnel::python {

namespace {

// ---- model ---------------------------------------------------------------------------------------------

PyObject* entries(PyObject* self, PyObject* args) {
  return raising([&] {
    int kind = 0;
    parse(args, "i", &kind);
    return asked_run(self).entries_of(kind);
  });
}

// [(name, type, is_norm, is_synchronized), ...]
PyObject* modules(PyObject* self, PyObject*) {
  return raising([&] {
    const ModelService& model = asked_run(self).model;
    Ref found = Ref::take(PyList_New(0));
    const uint64_t count = model.module_count();
    for (uint64_t i = 0; i < count; ++i) {
      const grapnel_module module = model.module(i);
      append(found,
             Ref::take(Py_BuildValue("(ssNN)", module.name, module.type, PyBool_FromLong(module.is_norm),
                                     PyBool_FromLong(module.is_synchronized))));
    }
    return found;
  });
}

Ref attribute_object(const grapnel_value& value) {
  switch (value.kind) {
    case GRAPNEL_KIND_BOOL:
      return boolean_object(value.integer != 0);
    case GRAPNEL_KIND_INT:
      return integer_object(value.integer);
    case GRAPNEL_KIND_FLOAT:
      return number_object(value.number);
    default:
      return text_object(value.text);
  }
}

PyObject* attributes(PyObject* self, PyObject* args) {
  return raising([&] {
    unsigned long long module = 0;
    parse(args, "K", &module);
    const ModelService& model = asked_run(self).model;
    Ref found = Ref::take(PyDict_New());
    const uint64_t count = model.module(module).attribute_count;
    for (uint64_t i = 0; i < count; ++i) {
      const grapnel_value value = model.attribute(module, i);
      set_item(found, value.name, attribute_object(value));
    }
    return found;
  });
}

// The attribute's own kind decides what the number is sent as.
int32_t kind_of_attribute(const ModelService& model, uint64_t module, const std::string& name) {
  const uint64_t count = model.module(module).attribute_count;
  for (uint64_t i = 0; i < count; ++i) {
    const grapnel_value value = model.attribute(module, i);
    if (name == value.name) return value.kind;
  }
  return GRAPNEL_KIND_NONE;
}

PyObject* set_attribute(PyObject* self, PyObject* args) {
  return raising([&] {
    unsigned long long module = 0;
    const char* name = nullptr;
    PyObject* content = nullptr;
    parse(args, "KsO", &module, &name, &content);
    const ModelService& model = asked_run(self).model;
    auto value = detail::sized<grapnel_value>();
    value.name = name;
    value.is_set = 1;
    std::string text;
    if (PyBool_Check(content)) {
      value.kind = GRAPNEL_KIND_BOOL;
      value.integer = content == Py_True ? 1 : 0;
    } else if (PyUnicode_Check(content)) {
      text = utf8(content);
      value.kind = GRAPNEL_KIND_STRING;
      value.text = text.c_str();
    } else if (PyLong_Check(content) && kind_of_attribute(model, module, name) != GRAPNEL_KIND_FLOAT) {
      value.kind = GRAPNEL_KIND_INT;
      value.integer = PyLong_AsLongLong(content);
    } else {
      value.kind = GRAPNEL_KIND_FLOAT;
      value.number = PyFloat_AsDouble(content);
    }
    if (PyErr_Occurred() != nullptr) throw PythonError();
    model.set_attribute(module, value);
    return none();
  });
}

PyObject* set_model_epoch(PyObject* self, PyObject* args) {
  return raising([&] {
    long long epoch = 0, max_epochs = 0;
    parse(args, "LL", &epoch, &max_epochs);
    asked_run(self).model.set_epoch(epoch, max_epochs);
    return none();
  });
}

// ---- optimiser -----------------------------------------------------------------------------------------

PyObject* group_count(PyObject* self, PyObject*) {
  return raising(
      [&] { return Ref::take(PyLong_FromUnsignedLongLong(asked_run(self).optimizer.group_count())); });
}

PyObject* group(PyObject* self, PyObject* args) {
  return raising([&] {
    unsigned long long index = 0;
    parse(args, "K", &index);
    const grapnel_param_group found = asked_run(self).optimizer.group(index);
    Ref answer = Ref::take(PyDict_New());
    set_item(answer, "name", text_object(found.name));
    set_item(answer, "lr", number_object(found.lr));
    set_item(answer, "initial_lr", number_object(found.initial_lr));
    set_item(answer, "weight_decay", number_object(found.weight_decay));
    if (found.has_momentum != 0) {
      set_item(answer, "momentum", number_object(found.momentum));
      set_item(answer, "initial_momentum", number_object(found.initial_momentum));
    }
    return answer;
  });
}

template <void (OptimizerService::*Set)(uint64_t, double) const>
PyObject* set_in_group(PyObject* self, PyObject* args) {
  return raising([&] {
    unsigned long long index = 0;
    double value = 0;
    parse(args, "Kd", &index, &value);
    (asked_run(self).optimizer.*Set)(index, value);
    return none();
  });
}

// ---- data ----------------------------------------------------------------------------------------------

// None for a mode without data.
PyObject* dataset(PyObject* self, PyObject* args) {
  return raising([&] {
    int mode = 0;
    parse(args, "i", &mode);
    const DataService& data = asked_run(self).data;
    grapnel_dataset_info info{};
    try {
      info = data.info(mode);
    } catch (const Error& error) {
      if (error.status() == GRAPNEL_STATUS_NOT_FOUND) return none();
      throw;
    }
    const Ref classes = Ref::take(PyList_New(0));
    for (uint64_t i = 0; i < info.class_count; ++i) append(classes, text_object(data.class_name(mode, i)));
    Ref answer = Ref::take(PyDict_New());
    set_item(answer, "size", integer_object(info.size));
    set_item(answer, "ann_file", text_object(info.ann_file));
    set_item(answer, "classes", classes);
    return answer;
  });
}

// [(type, is_skipped), ...]
PyObject* transforms(PyObject* self, PyObject* args) {
  return raising([&] {
    int mode = 0;
    parse(args, "i", &mode);
    const DataService& data = asked_run(self).data;
    Ref found = Ref::take(PyList_New(0));
    const uint64_t count = data.transform_count(mode);
    for (uint64_t i = 0; i < count; ++i) {
      const grapnel_transform_info info = data.transform(mode, i);
      append(found, Ref::take(Py_BuildValue("(sN)", info.type, PyBool_FromLong(info.is_skipped))));
    }
    return found;
  });
}

PyObject* set_skipped_types(PyObject* self, PyObject* args) {
  return raising([&] {
    int mode = 0;
    PyObject* given = nullptr;
    parse(args, "iO", &mode, &given);
    const Ref list = Ref::take(PySequence_List(given));
    std::vector<std::string> types;
    for (Py_ssize_t i = 0; i < PyList_Size(list.get()); ++i)
      types.push_back(utf8(PyList_GetItem(list.get(), i)));
    asked_run(self).data.set_skipped_types(mode, types);
    return none();
  });
}

PyObject* set_data_epoch(PyObject* self, PyObject* args) {
  return raising([&] {
    int mode = 0;
    long long epoch = 0, max_epochs = 0;
    parse(args, "iLL", &mode, &epoch, &max_epochs);
    asked_run(self).data.set_epoch(mode, epoch, max_epochs);
    return none();
  });
}

PyObject* image_size(PyObject* self, PyObject*) {
  return raising([&] {
    const auto [height, width] = asked_run(self).data.image_size();
    return Ref::take(Py_BuildValue("(LL)", static_cast<long long>(height), static_cast<long long>(width)));
  });
}
PyObject* set_image_size(PyObject* self, PyObject* args) {
  return raising([&] {
    long long height = 0, width = 0;
    parse(args, "LL", &height, &width);
    asked_run(self).data.set_image_size(height, width);
    return none();
  });
}

}  // namespace

PyMethodDef kModelMethods[] = {
    {"_entries", &entries, METH_VARARGS, nullptr},
    {"_modules", &modules, METH_NOARGS, nullptr},
    {"_attributes", &attributes, METH_VARARGS, nullptr},
    {"_set_attribute", &set_attribute, METH_VARARGS, nullptr},
    {"_set_model_epoch", &set_model_epoch, METH_VARARGS, nullptr},
    {"_group_count", &group_count, METH_NOARGS, nullptr},
    {"_group", &group, METH_VARARGS, nullptr},
    {"_set_lr", &set_in_group<&OptimizerService::set_lr>, METH_VARARGS, nullptr},
    {"_set_momentum", &set_in_group<&OptimizerService::set_momentum>, METH_VARARGS, nullptr},
    {"_set_weight_decay", &set_in_group<&OptimizerService::set_weight_decay>, METH_VARARGS, nullptr},
    {"_dataset", &dataset, METH_VARARGS, nullptr},
    {"_transforms", &transforms, METH_VARARGS, nullptr},
    {"_set_skipped_types", &set_skipped_types, METH_VARARGS, nullptr},
    {"_set_data_epoch", &set_data_epoch, METH_VARARGS, nullptr},
    {"_image_size", &image_size, METH_NOARGS, nullptr},
    {"_set_image_size", &set_image_size, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace grapnel::python
