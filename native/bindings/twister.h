// The twister inside NumPy's bit generator.
#pragma once

#include "../random.h"
#include "arrays.h"

// After Python.h, which NumPy's header of bit generators expects.
#include <numpy/random/bitgen.h>

namespace rl {

// The state inside a numpy.random.MT19937; raises TypeError for anything else. The interpreter stays locked while a kernel
// draws, so that no other thread draws from the same twister in between.
inline Twister& twister_of(nb::handle bits) {
    static PyObject* wanted = nb::module_::import_("numpy.random").attr("MT19937").inc_ref().ptr();
    if (reinterpret_cast<PyObject*>(Py_TYPE(bits.ptr())) != wanted) {
        nb::raise_type_error("bits: expected a numpy.random.MT19937, but got %s", Py_TYPE(bits.ptr())->tp_name);
    }
    nb::object capsule = bits.attr("capsule");
    auto* generator = static_cast<bitgen_t*>(PyCapsule_GetPointer(capsule.ptr(), "BitGenerator"));
    if (!generator) nb::raise_python_error();
    auto& twister = *static_cast<Twister*>(generator->state);
    if (twister.pos < 0 || twister.pos > 624) throw nb::value_error("bits: the position in the block is out of range");
    return twister;
}

}  // namespace rl
