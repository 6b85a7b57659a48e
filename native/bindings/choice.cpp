#include "arrays.h"

#include <structmember.h>

namespace rl {
namespace {

// A callable: the compiled kernel's result, unless that is NotImplemented, then the reference's.
struct Choice {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject* compiled;
    PyObject* reference;
    PyObject* dict;
};

PyObject* call(PyObject* self, PyObject* const* args, size_t count, PyObject* names) {
    const Choice* choice = reinterpret_cast<Choice*>(self);
    PyObject* result = PyObject_Vectorcall(choice->compiled, args, count, names);
    if (result != Py_NotImplemented) return result;
    Py_DECREF(result);
    return PyObject_Vectorcall(choice->reference, args, count, names);
}

int visit(PyObject* self, visitproc visit, void* arg) {
    Choice* choice = reinterpret_cast<Choice*>(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(choice->compiled);
    Py_VISIT(choice->reference);
    Py_VISIT(choice->dict);
    return 0;
}

int clear(PyObject* self) {
    Choice* choice = reinterpret_cast<Choice*>(self);
    Py_CLEAR(choice->compiled);
    Py_CLEAR(choice->reference);
    Py_CLEAR(choice->dict);
    return 0;
}

void destroy(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* describe(PyObject* self) {
    return PyUnicode_FromFormat("<kernel of %R>", reinterpret_cast<Choice*>(self)->reference);
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Choice, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(Choice, dict), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_traverse, reinterpret_cast<void*>(visit)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_tp_repr, reinterpret_cast<void*>(describe)},
    {Py_tp_members, members},
    {Py_tp_getset, attributes},
    {0, nullptr},
};

PyType_Spec spec = {
    "rushlight._native.Choice", sizeof(Choice), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots,
};

PyTypeObject* choice_type() {
    static PyTypeObject* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    if (!type) nb::raise_python_error();
    return type;
}

nb::object choice(nb::callable compiled, nb::callable reference) {
    PyTypeObject* type = choice_type();
    Choice* self = reinterpret_cast<Choice*>(type->tp_alloc(type, 0));
    if (!self) nb::raise_python_error();
    self->vectorcall = call;
    self->compiled = compiled.release().ptr();
    self->reference = reference.release().ptr();
    return nb::steal(reinterpret_cast<PyObject*>(self));
}

}  // namespace

void bind_choice(nb::module_& m) { m.def("choice", choice, nb::arg("compiled"), nb::arg("reference")); }

}  // namespace rl
